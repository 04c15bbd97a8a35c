import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readListenerOptions, type ListenerOptions } from '../../src/api/listener-options.js';
import { settingsOf } from '../../src/config/view-settings.js';
import { createListener, UsageError } from '../../src/index.js';

/** What somebody without TypeScript may give. */
const untyped = (options: unknown): ListenerOptions => options as ListenerOptions;

describe('the options of createListener', () => {
  it('have the defaults of the command', () => {
    vi.stubEnv('DATABASE_URL', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(readListenerOptions({ views: 'mv' })).toMatchObject({
      debounceMs: 5_000, maxWaitMs: 30_000, sweepMs: 60_000, graceMs: 20_000, concurrency: 2, wake: 'notify', install: true, once: false, databaseUrl: undefined,
    });
  });

  it.each<[string, ListenerOptions, object]>([
    ['durations as texts', { views: 'mv', maxWait: '10s', history: '3 days' }, { maxWaitMs: 10_000, historyMs: 259_200_000 }],
    ['durations as milliseconds', { views: 'mv', debounce: 0, maxWait: 1_500, lapse: 2_000_000_000 }, { debounceMs: 0, maxWaitMs: 1_500, lapseMs: 2_000_000_000 }],
    ['no limit', { views: 'mv', refreshTimeout: 'none' }, { refreshTimeoutMs: 0 }],
    ['numbers', { views: 'mv', concurrency: 4 }, { concurrency: 4 }],
    ['switches', { views: 'mv', install: false, once: true }, { install: false, once: true }],
    ['choices', { views: 'mv', wake: 'poll' }, { wake: 'poll' }],
    ['a port', { views: 'mv', port: 9187, host: '::' }, { port: 9187, host: '::' }],
    ['no port', { views: 'mv', port: 'off' }, { port: undefined, host: '127.0.0.1' }],
    ['texts', { views: 'mv', schedule: '0 6 * * *' }, { schedule: '0 6 * * *' }],
    ['addresses', { views: 'mv', databaseUrl: 'postgres://pooler/db', listenUrl: 'postgres://direct/db' }, { databaseUrl: 'postgres://pooler/db', listenUrl: 'postgres://direct/db' }],
    ['undefined for what is not given', { views: 'mv', maxWait: undefined, log: undefined }, { maxWaitMs: 30_000 }],
  ])('take %s', (_what, options, expected) => {
    expect(readListenerOptions(options)).toMatchObject(expected);
  });

  it.each<[string, ListenerOptions, string[]]>([
    ['one name', { views: 'mv' }, ['mv']],
    ['names as the command does', { views: 'a, b.c' }, ['a', 'b.c']],
    ['a list', { views: ['a', '"odd, name"', 'analytics.*'] }, ['a', '"odd, name"', 'analytics.*']],
    ['names with settings', { views: { a: { debounce: '1s' }, 'analytics.*': {} } }, ['a', 'analytics.*']],
  ])('take %s of views', (_what, options, expected) => {
    expect(readListenerOptions(options).views.map(({ text }) => text)).toEqual(expected);
  });

  it('take settings for single views', () => {
    const config = readListenerOptions({ views: { mv: { debounce: 100, maxAge: '1h', schedule: undefined }, 'analytics.*': { refreshTimeout: '5m' } }, maxWait: '10s' });
    expect(settingsOf(config, { schema: 'public', relation: 'mv' })).toMatchObject({ debounceMs: 100, maxAgeMs: 3_600_000, maxWaitMs: 10_000, refreshTimeoutMs: 0 });
    expect(settingsOf(config, { schema: 'analytics', relation: 'x' })).toMatchObject({ debounceMs: 5_000, maxAgeMs: undefined, refreshTimeoutMs: 300_000 });
  });

  it('alone count, but for where the database is', () => {
    vi.stubEnv('LISTENER_MAX_WAIT', '11s');
    vi.stubEnv('LISTENER_MISSPELT', 'x');
    vi.stubEnv('DATABASE_URL', 'postgres://platform/db');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(readListenerOptions({ views: 'mv' })).toMatchObject({ maxWaitMs: 30_000, databaseUrl: 'postgres://platform/db' });
    expect(readListenerOptions({ views: 'mv', databaseUrl: 'postgres://own/db' }).databaseUrl).toBe('postgres://own/db');
  });

  it('are completed by variables and a config file, when asked to', () => {
    const folder = mkdtempSync(join(tmpdir(), 'listener-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'own.json');
    writeFileSync(file, '{ "views": { "mv_file": { "debounce": "1s" } }, "max-wait": "12s", "sweep": "2m" }');
    const config = readListenerOptions({ config: file, env: { LISTENER_MAX_WAIT: '11s' }, grace: '5s' });
    expect(config).toMatchObject({ maxWaitMs: 11_000, sweepMs: 120_000, graceMs: 5_000, databaseUrl: undefined });
    expect(config.views.map(({ text }) => text)).toEqual(['mv_file']);
    expect(settingsOf(config, { schema: 'public', relation: 'mv_file' }).debounceMs).toBe(1_000);
    // What is written here is the closest.
    const both = readListenerOptions({ config: file, views: { mv_file: { debounce: '2s' } } });
    expect(settingsOf(both, { schema: 'public', relation: 'mv_file' }).debounceMs).toBe(2_000);
  });

  it.each<[string, unknown, string]>([
    ['no views', {}, "no views are named: write views: 'mv_dashboard'"],
    ['an empty list of views', { views: [] }, 'views: names no view'],
    ['no object', 'mv', "the options of createListener: write { views: 'mv_dashboard' }"],
    ['a misspelt option', { views: 'mv', maxwait: '1s' }, 'there is no option maxwait: did you mean maxWait?'],
    ['the name of the command line', { views: 'mv', 'max-wait': '1s' }, 'there is no option max-wait: did you mean maxWait?'],
    ['a misspelt hook', { views: 'mv', shouldrefresh: () => true }, 'there is no option shouldrefresh: did you mean shouldRefresh?'],
    ['an option of a command', { views: 'mv', yes: true }, 'there is no option yes: write one of views, config, databaseUrl,'],
    ['a duration without sense', { views: 'mv', maxWait: '10 parsecs' }, 'maxWait: "10 parsecs" is not a duration: write 250ms'],
    ['a duration without unit', { views: 'mv', maxWait: '10' }, 'maxWait: 10 has no unit: write 10s or 10ms'],
    ['a negative number', { views: 'mv', debounce: -1 }, 'debounce: "-1ms" is negative'],
    ['no number at all', { views: 'mv', debounce: NaN }, 'debounce: write a text with its unit'],
    ['more than a timer takes', { views: 'mv', sweep: 1e21 }, 'sweep: "1000000000000000000000ms" is too long'],
    ['an object for a duration', { views: 'mv', retryBase: {} }, "retryBase: write a text with its unit, such as '10s', or a number of milliseconds"],
    ['a fraction', { views: 'mv', concurrency: 1.5 }, 'concurrency: "1.5" is not accepted: write a whole number from 1 to 100'],
    ['a wrong choice', { views: 'mv', wake: 'often' }, 'wake: "often" is not accepted: write notify or poll'],
    ['an empty text', { views: 'mv', listenUrl: ' ' }, 'listenUrl needs a value'],
    ['what contradicts itself', { views: 'mv', debounce: '1m' }, 'debounce 1m is longer than maxWait 30s: lower the first or raise the second'],
    ['a lapse shorter than a sweep', { views: 'mv', lapse: '1s' }, 'lapse 1s is shorter than sweep 1m'],
    ['a misspelt setting of a view', { views: { mv: { debonce: 1 } } }, 'views: mv: there is no option debonce: did you mean debounce?'],
    ['a general option for a view', { views: { mv: { grace: '1s' } } }, 'views: mv: grace cannot be set for a single view: set it for all, or write one of lockTimeout, debounce,'],
    ['a wrong value for a view', { views: { mv: { maxAge: 'soon' } } }, 'views: mv: maxAge: "soon" is not a duration'],
    ['a view that contradicts itself', { views: { mv: { debounce: '1m' } } }, 'views: mv: debounce 1m is longer than maxWait 30s'],
    ['a name that is none', { views: ['a b'] }, 'views: a b is not a name'],
    ['numbers for views', { views: [1] }, "views: write 'mv_dashboard', ['mv_a', 'mv_b'] or { mv_a: { debounce: '1s' } }"],
    ['a URL of something else', { views: 'mv', databaseUrl: 'mysql://u:secret@h/db' }, 'databaseUrl: "mysql://u:***@h/db" is not a PostgreSQL URL'],
    ['a log that is none', { views: 'mv', log: 'loud' }, "log: write false, 'text', 'json', a function"],
    ['a rule that is none', { views: 'mv', shouldRefresh: true }, 'shouldRefresh: write a function'],
    ['a misspelt variable', { views: 'mv', env: { LISTENER_MAXWAIT: '1s' } }, 'did you mean LISTENER_MAX_WAIT?'],
  ])('refuse %s, in one line', (_what, options, message) => {
    const attempt = (): unknown => createListener(untyped(options));
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/\n|secret/);
  });
});
