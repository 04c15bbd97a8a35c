import { describe, expect, it } from 'vitest';
import type { EventName, EventOf, ListenerEvent } from '../../src/report/event.js';
import { eventMessage } from '../../src/report/event-message.js';

const done: EventOf<'refresh.done'> = {
  event: 'refresh.done',
  view: 'mv_dashboard',
  plan: 'concurrent',
  reason: 'change',
  sources: ['orders', 'customers'],
  stalenessMs: 5312,
  durationMs: 1180,
  inserted: 12,
  updated: 0,
  deleted: 3,
};
const failed: EventOf<'refresh.failed'> = {
  event: 'refresh.failed',
  view: 'mv_dashboard',
  reason: 'change',
  attempt: 2,
  sqlstate: '55P03',
  kind: 'transient',
  error: 'canceling statement due to lock timeout\n',
  retryInMs: 2100,
  durationMs: 5010,
};

/** One of every event, so that a new one cannot be left out. */
const samples: { readonly [Name in EventName]: EventOf<Name> } = {
  ready: { event: 'ready', version: '0.1.0', server: '17.2', database: 'app', views: ['mv'], sources: 1, wake: 'notify' },
  'refresh.done': done,
  'summary.progress': { event: 'summary.progress', view: 'hourly', phase: 'fill', rows: 50_000, rowsBehind: 150_000, rowsPerSecond: 25_000, backlog: 'shrinking', remainingMs: 6_000, gaps: 0, holders: [], late: 0, closedLate: 0, corrections: null },
  'refresh.failed': failed,
  'refresh.skipped': { event: 'refresh.skipped', view: 'mv', reason: 'change', because: 'fresh' },
  'refresh.yielded': { event: 'refresh.yielded', view: 'mv', durationMs: 3500, waiters: 1, times: 1, maxTimes: 3, retryInMs: 5000 },
  'refresh.failing': { event: 'refresh.failing', view: 'mv', failures: 3, sqlstate: '22012', error: 'division by zero' },
  'refresh.recovered': { event: 'refresh.recovered', view: 'mv', failures: 5, failedForMs: 182_000, because: 'refreshed' },
  'freshness.missed': { event: 'freshness.missed', view: 'mv', stalenessMs: 72_000, targetMs: 60_000, because: 'it waits for mv_base' },
  'freshness.restored': { event: 'freshness.restored', view: 'mv', missedForMs: 12_000, because: 'refreshed' },
  'sweep.done': { event: 'sweep.done', views: 2, stale: 1, unseen: 0, healed: 1, ignoredRings: 0, durationMs: 12 },
  'listen.lost': { event: 'listen.lost', error: 'Connection terminated unexpectedly' },
  'listen.restored': { event: 'listen.restored', lostForMs: 4200, attempts: 1 },
  'listen.deaf': { event: 'listen.deaf', waitedMs: 5000, pollMs: 1000 },
  'change.unseen': { event: 'change.unseen', source: 'orders', views: ['mv'], because: 'storage' },
  'log.lapsed': { event: 'log.lapsed', sources: ['orders'], views: ['mv'] },
  'log.reset': { event: 'log.reset', views: ['a', 'b'] },
  'cluster.changed': { event: 'cluster.changed', views: ['mv'] },
  'trigger.installed': { event: 'trigger.installed', source: 'orders' },
  'trigger.removed': { event: 'trigger.removed', source: 'orders' },
  'trigger.healed': { event: 'trigger.healed', source: 'orders', state: 'disabled' },
  'source.unwatched': { event: 'source.unwatched', source: 'remote', views: ['mv'], because: 'a foreign table' },
  'view.added': { event: 'view.added', view: 'mv' },
  'view.missing': { event: 'view.missing', view: 'mv' },
  'view.removed': { event: 'view.removed', view: 'mv' },
  'view.plain': { event: 'view.plain', view: 'mv', statement: 'CREATE UNIQUE INDEX ON public.mv (id)', certainty: 'guess' },
  'view.timeless': { event: 'view.timeless', view: 'mv', because: ['reads the clock by now()'] },
  'view.vacuumed': { event: 'view.vacuumed', view: 'mv', deadRows: 1200, deadRowsLeft: 0, durationMs: 12 },
  'view.analyzed': { event: 'view.analyzed', view: 'mv', changedRows: 1200, durationMs: 12 },
  'database.lost': { event: 'database.lost', error: 'terminating connection', sqlstate: '57P01', attempt: 1, retryInMs: 900 },
  'database.restored': { event: 'database.restored', lostForMs: 61_000, attempts: 7 },
  'alert.failed': { event: 'alert.failed', error: 'it answered 503', queued: 2 },
  'alert.restored': { event: 'alert.restored', failedForMs: 90_000 },
  stopping: { event: 'stopping', signal: 'SIGTERM', force: false, graceMs: 20_000 },
  stopped: { event: 'stopped', exitStatus: 0, uptimeMs: 7_500_000 },
};

describe('eventMessage', () => {
  it.each(Object.values(samples) as ListenerEvent[])('says $event in a sentence on one line', (event) => {
    expect(eventMessage(event)).toMatch(/^[A-Za-z][^\n]*[.;]$/);
    expect(eventMessage(event)).not.toMatch(/undefined|NaN|\[object|\s{2}/);
  });

  it('says the same as before, since people search for it', () => {
    expect(Object.values(samples).map((event) => eventMessage(event))).toMatchInlineSnapshot(`
      [
        "Ready: listener 0.1.0 keeps mv fresh from 1 source in database app (PostgreSQL 17.2), woken by notifications.",
        "Refreshed mv_dashboard concurrently in 1.2s, 5.3s after orders, customers changed; 3 rows replaced, 9 added.",
        "Filling hourly: 50,000 rows at 25,000 a second; 150,000 left, about 6s.",
        "Refreshing mv_dashboard failed after 5s: canceling statement due to lock timeout (SQLSTATE 55P03). Trying again in 2.1s (failure 2 in a row).",
        "Left mv alone: nothing has changed since it was last refreshed.",
        "Stopped refreshing mv after 3.5s to give way to 1 session that waited for its locks; trying again in 5s (1 of at most 3 times in a row).",
        "Refreshing mv has failed 3 times in a row: division by zero (SQLSTATE 22012). It is tried again for as long as it takes.",
        "mv is refreshed again, after 5 failures in a row and 3m 2s.",
        "mv has been stale for 1m 12s, over its freshness target of 1m: it waits for mv_base.",
        "mv is within its freshness target again, after 12s over it.",
        "Swept 2 views in 12ms: 1 stale, 0 unseen changes, 1 trigger healed.",
        "Lost the listening connection: Connection terminated unexpectedly. Polling until it is back.",
        "Listening again after 4.2s and 1 attempt; looking for what was missed.",
        "No notification arrives on the listening connection (waited 5s for one of our own), so it probably leads through a transaction pooler: give --listen-url a direct connection. Looking every 1s instead.",
        "orders changed without a trigger seeing it (its storage was replaced): refreshing mv.",
        "No worker was seen for so long that writers stopped recording changes of orders: refreshing mv.",
        "The change log was emptied by a crash or fail-over of the server: refreshing a, b.",
        "This is another database, or another cluster, than the one the cursors were written in: refreshing mv.",
        "Installed the change triggers on orders.",
        "Removed the change triggers from orders.",
        "A change trigger on orders was disabled: put right, and the views that read it are refreshed.",
        "Changes of remote are not seen as they are made, since it is a foreign table: mv may not follow them.",
        "Now keeping mv fresh too.",
        "The view mv is no longer there; it is served again when it comes back.",
        "No longer keeping mv fresh.",
        "The materialized view mv has no usable unique index, so readers wait while it is refreshed. To avoid that, run, with columns that no two rows share: CREATE UNIQUE INDEX ON public.mv (id);",
        "The materialized view mv may change without a write, for it reads the clock by now(): have it refreshed by time as well, with --max-age 15m or --schedule '0 0 * * *'.",
        "Vacuumed mv in 12ms: 1,200 dead rows.",
        "Analyzed mv in 12ms: 1,200 changed rows since the last time.",
        "Lost the database: terminating connection. Trying again in 900ms (attempt 1).",
        "The database is back after 1m 1s and 7 attempts; looking for what was missed.",
        "An alert could not be delivered to --alert-url: it answered 503. Trying again, with 2 alerts waiting.",
        "Alerts are delivered again, after 1m 30s.",
        "Received SIGTERM: stopping, a running refresh has 20s to finish.",
        "Stopped after 2h 5m.",
      ]
    `);
  });
});

describe('refresh.done', () => {
  const unknown = { inserted: null, updated: null, deleted: null };
  const since = 'Refreshed mv_dashboard concurrently in 1.2s, 5.3s after orders, customers changed';

  it.each<[Partial<EventOf<'refresh.done'>>, string]>([
    [{}, `${since}; 3 rows replaced, 9 added.`],
    [{ inserted: 3 }, `${since}; 3 rows replaced.`],
    [{ inserted: 1 }, `${since}; 1 row replaced, 2 removed.`],
    [{ inserted: 1, deleted: 0 }, `${since}; 1 row added.`],
    [{ inserted: 0, deleted: 1234 }, `${since}; 1,234 rows removed.`],
    [{ inserted: 0, deleted: 0 }, `${since}; no row differed.`],
    [{ inserted: 0, updated: 2, deleted: 0 }, `${since}; 2 rows replaced.`],
    [{ plan: 'plain', inserted: 321, deleted: 0 }, 'Refreshed mv_dashboard in 1.2s, 5.3s after orders, customers changed; 321 rows written anew.'],
    [{ plan: 'plain', stalenessMs: null, ...unknown }, 'Refreshed mv_dashboard in 1.2s: orders, customers changed.'],
    [
      { reason: 'start', sources: [], stalenessMs: null, ...unknown },
      'Refreshed mv_dashboard concurrently in 1.2s: it was not known to be fresh at start.',
    ],
    [
      { reason: 'sweep', sources: ['a', 'b', 'c', 'd', 'e'], ...unknown },
      'Refreshed mv_dashboard concurrently in 1.2s, 5.3s after a, b, c and 2 more changed (found by the sweep).',
    ],
    [{ reason: 'upstream', sources: ['mv_sales'], stalenessMs: 40, ...unknown }, 'Refreshed mv_dashboard concurrently in 1.2s, 40ms after the change that came through mv_sales.'],
  ])('with %j', (fields, expected) => {
    expect(eventMessage({ ...done, ...fields })).toBe(expected);
  });
});

describe('refresh.failed', () => {
  it('names the error on one line, its SQLSTATE, and what happens next', () => {
    expect(eventMessage(failed)).toBe(
      'Refreshing mv_dashboard failed after 5s: canceling statement due to lock timeout (SQLSTATE 55P03). Trying again in 2.1s (failure 2 in a row).',
    );
  });

  it('says when waiting alone does not help', () => {
    expect(eventMessage({ ...failed, kind: 'permanent', sqlstate: '42501', error: 'permission denied for table orders' })).toContain(
      'This needs a change to the view or its rights; trying again in 2.1s',
    );
  });
});

describe('view.vacuumed', () => {
  it('says what stays, and why', () => {
    expect(eventMessage({ ...samples['view.vacuumed'], deadRowsLeft: 1100 }))
      .toBe('Vacuumed mv in 12ms: 1,200 dead rows, of which 1,100 stay while a transaction is open that might see them.');
  });
});

describe('the end of what was told of a view', () => {
  it.each([
    ['paused', 'mv is paused now, after 12s over its freshness target.', 'mv is paused now, after 5 failures in a row and 3m 2s.'],
    ['removed', 'mv is no longer served, after 12s over its freshness target.', 'mv is no longer served, after 5 failures in a row and 3m 2s.'],
  ] as const)('says so when it is %s', (because, restored, recovered) => {
    expect(eventMessage({ ...samples['freshness.restored'], because })).toBe(restored);
    expect(eventMessage({ ...samples['refresh.recovered'], because })).toBe(recovered);
  });
});

describe('what is said of a summary', () => {
  it('how far a fill has come, and when it will be done', () => {
    expect(eventMessage(samples['summary.progress'])).toBe('Filling hourly: 50,000 rows at 25,000 a second; 150,000 left, about 6s.');
    expect(eventMessage({ ...samples['summary.progress'], phase: 'catch-up', backlog: 'growing' })).toBe('Catching up hourly: 50,000 rows at 25,000 a second; 150,000 left, and growing.');
    const holders = [{ transaction: '3/17', pid: 4711, since: null }, { transaction: '-1/99', pid: null, since: null }];
    expect(eventMessage({ ...samples['summary.progress'], phase: 'catch-up', rows: 0, rowsPerSecond: 0, backlog: null, remainingMs: null, gaps: 60_000, holders }))
      .toBe('Catching up hourly waits, with 150,000 left: too many ids may still be committed by pid 4711, a prepared transaction.');
    expect(eventMessage({ ...done, view: 'hourly', plan: 'merge', late: 3, closedLate: 1, gaps: 2, holders })).toMatch(
      /; 3 rows came late; 1 row for closed buckets not shown; 2 ids may still be committed by pid 4711, a prepared transaction\.$/);
  });
});
