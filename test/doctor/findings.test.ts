import { describe, expect, it } from 'vitest';
import { clockedViewFinding } from '../../src/doctor/checks/clocked-view.js';
import { countingFinding, uncountedFinding } from '../../src/doctor/checks/counting.js';
import { lacksIndex } from '../../src/doctor/checks/indexless-scan.js';
import { sizeFinding, waitingFinding } from '../../src/doctor/checks/log.js';
import { longTransactionFinding } from '../../src/doctor/checks/long-transaction.js';
import { notificationQueueFinding } from '../../src/doctor/checks/notification-queue.js';
import { paceFindings } from '../../src/doctor/checks/pace.js';
import { preparedTransactionFindings } from '../../src/doctor/checks/prepared-transaction.js';
import { publicationFinding } from '../../src/doctor/checks/publication.js';
import { servedFindings } from '../../src/doctor/checks/served.js';
import { serverFinding } from '../../src/doctor/checks/server.js';
import { idleFinding } from '../../src/doctor/checks/subscription.js';
import type { ViewCondition } from '../../src/doctor/examination.js';
import { bytes } from '../../src/doctor/measure.js';
import type { ServerFacts } from '../../src/catalog/server.js';
import { serverFault } from '../../src/catalog/server.js';

const condition: ViewCondition = {
  id: 1, oid: 2, name: 'public.mv', exists: true, served: true, unservedMs: -1, lastError: null, failures: 0, paused: false, usualMs: 10, waitingMs: null,
};
const facts: ServerFacts = {
  versionNumber: 150_004, version: '15.4 (Debian)', inRecovery: false, database: 'app', role: 'listener', mayCreateSchema: true,
  schemaExists: true, schemaOwner: 'listener', schemaOwned: true,
};

describe('the server', () => {
  const find = (change: Partial<ServerFacts>) => serverFinding({ ...facts, ...change }, serverFault({ ...facts, ...change }));
  it.each([
    ['one that will do', {}, 'ok', 'PostgreSQL 15.4, a primary'],
    ['one that is too old', { versionNumber: 140_010, version: '14.10' }, 'failure', 'PostgreSQL 14.10 is too old: 15 or newer is needed'],
    ['a standby, whoever asks', { inRecovery: true, schemaOwned: false }, 'failure', 'The server of database app is a standby (pg_is_in_recovery), where nothing can be refreshed'],
    ['a role that looks on', { schemaOwned: false, schemaOwner: 'worker' }, 'warning', 'The schema refresh_listener belongs to role worker, of which listener is no member'],
    ['a role that may not begin', { schemaExists: false, schemaOwned: false, mayCreateSchema: false }, 'failure', 'Role listener may not create the schema refresh_listener'],
  ])('%s', (_what, change, level, what) => {
    expect(find(change)).toMatchObject({ level, what });
  });
});

describe('track_counts', () => {
  it.each([
    ['database', 'ALTER DATABASE app RESET track_counts;'],
    ['user', 'ALTER ROLE listener RESET track_counts;'],
    ['database user', 'ALTER ROLE listener IN DATABASE app RESET track_counts;'],
    ['configuration file', 'ALTER SYSTEM SET track_counts = on;\nSELECT pg_catalog.pg_reload_conf();'],
  ])('turned off by the %s', (source, remedy) => {
    expect(countingFinding({ trackCounts: 'off', source, database: 'app', role: 'listener' }).remedy).toBe(remedy);
  });
});

describe('writers whose rows are not counted', () => {
  it.each([
    [{ role: null, database: 'app' }, 'database app', 'ALTER DATABASE app RESET track_counts;'],
    [{ role: 'rails', database: null }, 'role rails', 'ALTER ROLE rails RESET track_counts;'],
    [{ role: 'rails', database: 'app' }, 'role rails in database app', 'ALTER ROLE rails IN DATABASE app RESET track_counts;'],
  ])('%o', (writer, whose, remedy) => {
    expect(uncountedFinding(writer)).toMatchObject({ what: `track_counts is off for ${whose}, so that rows written there are not counted`, remedy });
  });
});

describe('a subscription', () => {
  it('that is disabled is enabled, one that does not run is begun anew', () => {
    expect(idleFinding({ subscription: 's', enabled: false }).remedy).toBe('ALTER SUBSCRIPTION s ENABLE;');
    expect(idleFinding({ subscription: 's', enabled: true }).remedy).toBe('ALTER SUBSCRIPTION s DISABLE;\nALTER SUBSCRIPTION s ENABLE;');
  });
});

describe('pace', () => {
  const settings = { maxWaitMs: 30_000, maxAgeMs: undefined, refreshTimeoutMs: 0 };
  const told = (usualMs: number, change: Partial<typeof settings> | { maxAgeMs: number } = {}) =>
    paceFindings('public.mv', usualMs, { ...settings, ...change }).map(({ what }) => what.replace('A refresh of public.mv usually takes ', ''));
  it('is told beyond the interval only', () => {
    expect(told(30_000)).toEqual([]);
    expect(told(30_001)).toEqual(['30s, longer than its --max-wait 30s']);
    expect(told(90_000, { maxAgeMs: 60_000 })).toEqual(['1m 30s, longer than its --max-wait 30s', '1m 30s, longer than its --max-age 1m']);
  });
  it('with --max-wait 0, "as fast as it can", there is no interval', () => {
    expect(told(30_001, { maxWaitMs: 0 })).toEqual([]);
  });
  it('close to its time limit', () => {
    expect(told(7_000, { refreshTimeoutMs: 10_000 })).toEqual([]);
    expect(told(9_000, { refreshTimeoutMs: 10_000 })).toEqual(['9s, close to its --refresh-timeout 10s']);
  });
});

describe('a change that waits', () => {
  const settings = { maxWaitMs: 30_000 };
  const told = (change: Partial<ViewCondition>) => waitingFinding({ ...condition, usualMs: 60_000, ...change }, settings, 300_000).length;
  it('is late after --max-wait, two refreshes and a margin; not while the view is paused', () => {
    expect(told({ waitingMs: null })).toBe(0);
    expect(told({ waitingMs: 449_999 })).toBe(0);
    expect(told({ waitingMs: 450_000 })).toBe(1);
    expect(told({ waitingMs: 450_000, paused: true })).toBe(0);
  });
});

describe('the size of the log', () => {
  it.each([
    ['small', { rows: 0, bytes: 99 }, undefined, undefined],
    ['not cleared', { rows: 0, bytes: 1e6 }, condition, 'VACUUM refresh_listener.change_log;\nREINDEX INDEX CONCURRENTLY refresh_listener.change_log_xid;'],
    ['kept for a view', { rows: 1e4, bytes: 1e6 }, { ...condition, waitingMs: 5 }, "SELECT refresh_listener.refresh('public.mv');"],
    ['kept for nobody', { rows: 1e4, bytes: 1e6 }, undefined, 'listener --once --views ...'],
  ])('%s', (_what, size, oldest, remedy) => {
    expect(sizeFinding(size, oldest, 100)[0]?.remedy).toBe(remedy);
  });
});

describe('a prepared transaction', () => {
  const prepared = { gid: "o'clock", role: 'app', database: 'shop', here: true, forMs: 60_000 };
  it('of this database is in the way of the bell, not of polling', () => {
    expect(preparedTransactionFindings([prepared], 'notify', 300_000)).toHaveLength(1);
    expect(preparedTransactionFindings([prepared], 'poll', 300_000)).toEqual([]);
    expect(preparedTransactionFindings([{ ...prepared, here: false }], 'notify', 300_000)).toEqual([]);
  });
  it('that is old is told wherever it is, with where to end it', () => {
    const [here] = preparedTransactionFindings([prepared], 'poll', 60_000);
    expect(here?.remedy).toBe("ROLLBACK PREPARED 'o''clock';");
    const [there] = preparedTransactionFindings([{ ...prepared, here: false }], 'poll', 60_000);
    expect(there?.what).toContain('in database shop');
    expect(there?.why).toContain('run in database shop:');
  });
});

describe('the notification queue', () => {
  it.each([[0, 'ok'], [0.09, 'ok'], [0.1, 'warning'], [0.5, 'failure'], [1, 'failure']])('%s full: %s', (usage, level) => {
    expect(notificationQueueFinding({ usage, suspects: [] }, 0.1).level).toBe(level);
  });
  it('names who may be the cause', () => {
    const suspect = { pid: 7, role: 'app', database: 'shop', application: '', state: 'idle in transaction', forMs: 7_200_000 };
    const { why, remedy } = notificationQueueFinding({ usage: 0.7, suspects: [suspect] }, 0.1);
    expect(why).toContain('that of app (pid 7, idle in transaction), for 2h.');
    expect(remedy).toBe('SELECT pg_catalog.pg_terminate_backend(7);');
  });
});

describe('others', () => {
  it('a long transaction says what it holds back, if it does', () => {
    const session = { pid: 7, role: 'app', database: 'shop', application: 'rails', state: null, forMs: null };
    expect(longTransactionFinding({ ...session, transactions: 12_345 })).toMatchObject({
      what: 'app (rails, pid 7) has been in a transaction for a time that this role may not see', why: expect.stringContaining('12,345 transactions') as string,
    });
    expect(longTransactionFinding({ ...session, transactions: null }).why).not.toContain('begun');
  });
  it('an empty database can publish nothing but stays published', () => {
    expect(publicationFinding({ name: 'p', schemas: null, operations: 'insert', viaRoot: false }).remedy).toBe(
      "BEGIN;\nDROP PUBLICATION p;\nCREATE PUBLICATION p WITH (publish = 'insert');\nCOMMIT;");
  });
  it('a refresh that failed once is a warning, and a failure when it goes on', () => {
    const told = (failures: number) => servedFindings({ name: 'public.mv' }, { ...condition, failures, lastError: 'out of\nmemory.' }, 3)[0];
    expect(told(0)).toBeUndefined();
    expect(told(1)).toMatchObject({ level: 'warning', what: 'The refresh of public.mv has failed: out of memory' });
    expect(told(3)).toMatchObject({ level: 'failure', what: 'The refresh of public.mv has failed 3 times in a row: out of memory' });
  });
  it('scans matter for a view of some size, without an index, read often', () => {
    const limits = { scans: 10, scannedBytes: 1_000 };
    expect(lacksIndex({ scans: 10, bytes: 1_000, indexed: false }, limits)).toBe(true);
    expect(lacksIndex({ scans: 9, bytes: 1_000, indexed: false }, limits)).toBe(false);
    expect(lacksIndex({ scans: 10, bytes: 999, indexed: false }, limits)).toBe(false);
    expect(lacksIndex({ scans: 10, bytes: 1_000, indexed: true }, limits)).toBe(false);
  });
  it('a clocked view needs one of two options', () => {
    expect(clockedViewFinding('public.mv', ['reads the clock by now()'], { maxAgeMs: undefined, schedule: undefined })).toHaveLength(1);
    expect(clockedViewFinding('public.mv', ['reads the clock by now()'], { maxAgeMs: 1, schedule: undefined })).toEqual([]);
    expect(clockedViewFinding('public.mv', ['reads the clock by now()'], { maxAgeMs: undefined, schedule: '@daily' })).toEqual([]);
  });
  it.each([[0, '0 bytes'], [1023, '1023 bytes'], [1024, '1 kB'], [1_572_864, '1.5 MB'], [52_428_800, '50 MB']])('%s is %s', (size, text) => {
    expect(bytes(size)).toBe(text);
  });
});
