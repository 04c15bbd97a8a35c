import { describe, expect, it } from 'vitest';
import { resolveConfig as resolve, type Config, type Flags } from '../../src/config/config.js';
import type { Environment } from '../../src/config/environment.js';
import { environmentNames, optionNames, options } from '../../src/config/options.js';
import { UsageError } from '../../src/config/usage-error.js';

const views = { views: 'mv_dashboard' };
const resolveConfig = (flags: Flags, env: Environment, isTerminal?: boolean): Config => resolve(flags, { env, isTerminal });

describe('resolveConfig', () => {
  it('fills in the documented defaults', () => {
    expect(resolveConfig(views, {}, false)).toEqual({
      views: [{ schema: undefined, name: { kind: 'exact', name: 'mv_dashboard' }, text: 'mv_dashboard' }],
      databaseUrl: undefined,
      listenUrl: undefined,
      overrides: [],
      origins: { views: '--views' },
      install: true,
      once: false,
      maxAgeMs: undefined,
      schedule: undefined,
      debounceMs: 5000,
      maxWaitMs: 30_000,
      sweepMs: 60_000,
      wake: 'notify',
      pollMs: 1000,
      concurrency: 2,
      lockTimeoutMs: 5000,
      refreshTimeoutMs: 0,
      retryBaseMs: 1000,
      batchRows: 50_000,
      repairEveryMs: 3_600_000,
      vacuum: true,
      retryMaxMs: 300_000,
      graceMs: 20_000,
      canaryMs: 30_000,
      lapseMs: 3_600_000,
      historyMs: 604_800_000,
      port: undefined,
      host: '127.0.0.1',
      freshnessMs: undefined,
      alertUrl: undefined,
      alertAfter: 3,
      logLevel: 'info',
      logFormat: 'json',
    });
  });

  it('cannot be written to', () => {
    expect(Object.isFrozen(resolveConfig(views, {}))).toBe(true);
  });

  it('takes views repeated, comma separated, or both, but not apart at a quoted comma', () => {
    const config = resolveConfig({ views: ['a,"b,c"', "s.mv_*"] }, {});
    expect(config.views.map(({ text }) => text)).toEqual(['a', '"b,c"', 's.mv_*']);
    expect(resolveConfig({}, { LISTENER_VIEWS: 'a, b' }).views.map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('prefers flags to the environment, and our variables to those of platforms', () => {
    const env = { LISTENER_DEBOUNCE: '2s', LISTENER_MAX_WAIT: '10s', DATABASE_URL: 'postgres://platform/db' };
    const config = resolveConfig({ ...views, debounce: '1s' }, env);
    expect(config).toMatchObject({ debounceMs: 1000, maxWaitMs: 10_000, databaseUrl: 'postgres://platform/db' });
    expect(resolveConfig(views, { ...env, LISTENER_DATABASE_URL: 'postgres://own/db' }).databaseUrl).toBe('postgres://own/db');
  });

  it('takes an empty variable as unset', () => {
    expect(resolveConfig(views, { LISTENER_DEBOUNCE: '', DATABASE_URL: '' })).toMatchObject({ debounceMs: 5000, databaseUrl: undefined });
  });

  it('listens where the database is unless told otherwise', () => {
    const env = { DATABASE_URL: 'postgres://pooler/db' };
    expect(resolveConfig(views, env).listenUrl).toBe('postgres://pooler/db');
    expect(resolveConfig({ ...views, 'listen-url': 'postgres://direct/db' }, env).listenUrl).toBe('postgres://direct/db');
  });

  it('chooses the format of the log by the terminal', () => {
    expect(resolveConfig(views, {}, true).logFormat).toBe('text');
    expect(resolveConfig({ ...views, 'log-format': 'json' }, {}, true).logFormat).toBe('json');
  });

  it("accepts 'none' as no limit for a refresh", () => {
    expect(resolveConfig({ ...views, 'refresh-timeout': 'none' }, {}).refreshTimeoutMs).toBe(0);
    expect(resolveConfig({ ...views, 'refresh-timeout': '1h' }, {}).refreshTimeoutMs).toBe(3_600_000);
  });

  it('keeps history longer than a timer could run', () => {
    expect(resolveConfig({ ...views, history: '90 days' }, {}).historyMs).toBe(90 * 86_400_000);
  });

  it.each([
    [{}, {}, 'no views are named: write --views mv_dashboard, or set LISTENER_VIEWS'],
    [{ views: ',' }, {}, "--views: names no view: write for example mv_dashboard, analytics.mv or 'mv_*'"],
    [{ views: 'odd-name' }, {}, '--views: odd-name is not a name:'],
    [{ ...views, debounce: '5' }, {}, '--debounce: 5 has no unit: write 5s or 5ms'],
    [views, { LISTENER_DEBOUNCE: '5' }, 'LISTENER_DEBOUNCE: 5 has no unit: write 5s or 5ms'],
    [{ ...views, debounce: '' }, {}, '--debounce needs a value, such as 5s'],
    [{ ...views, debounce: ['1s', '2s'] }, {}, '--debounce is given 2 times: give it once'],
    [{ ...views, 'lock-timeout': '0' }, {}, '--lock-timeout: "0" is too short: the shortest is 1ms'],
    [{ ...views, concurrency: '0' }, {}, '--concurrency: "0" is not accepted: write a whole number from 1 to 100'],
    [{ ...views, concurrency: '1.5' }, {}, '--concurrency: "1.5" is not accepted'],
    [{ ...views, port: '70000' }, {}, '--port: "70000" is no port: write a number from 1 to 65535, or off'],
    [views, { LISTENER_PORT: '0' }, 'LISTENER_PORT: "0" is no port'],
    [{ ...views, host: '127.0.0.1:80' }, {}, '--host: "127.0.0.1:80" is no host: write an address of this machine such as 127.0.0.1'],
    [{ ...views, wake: 'never' }, {}, '--wake: "never" is not accepted: write notify or poll'],
    [{ ...views, debounce: '1m' }, {}, '--debounce 1m is longer than --max-wait 30s: lower the first or raise the second'],
    [{ ...views, 'retry-base': '10m' }, {}, '--retry-base 10m is longer than --retry-max 5m'],
    [{ ...views, lapse: '30s' }, {}, '--lapse 30s is shorter than --sweep 1m'],
    [views, { LISTENER_DEBONCE: '1s' }, 'no option reads the environment variable LISTENER_DEBONCE: did you mean LISTENER_DEBOUNCE?'],
    [views, { LISTENER_QQQQQQQQQQQQ: '1s' }, 'no option reads the environment variable LISTENER_QQQQQQQQQQQQ: listener --help lists the options'],
    [views, { DATABASE_URL: 'mysql://u:secret@h/d' }, 'DATABASE_URL: "mysql://u:***@h/d" is not a PostgreSQL URL: write postgres://user:password@host:5432/database'],
    [views, { DATABASE_URL: 'host=h password=secret' }, 'DATABASE_URL: "host=h password=***" is not a PostgreSQL URL'],
    [views, { DATABASE_URL: 'postgres://u:sec#ret@h/d' }, 'DATABASE_URL: "postgres://u:***@h/d" cannot be read'],
    [views, { DATABASE_URL: 'postgres://u:12#ret@h/d' }, 'DATABASE_URL: "postgres://u:***@h/d" cannot be read'],
    [views, { DATABASE_URL: 'postgres://u:12/ret@h/d' }, 'DATABASE_URL: "postgres://u:***@h/d" cannot be read'],
  ])('refuses %j with %j', (flags, env, message) => {
    const attempt = () => resolveConfig(flags, env);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^[^\n]+$/);
    expect(attempt).not.toThrow(/secret|sec#|12.ret/);
  });

  it.each(['postgres:///db', 'postgresql://u@/db?host=/var/run/postgresql', 'postgres://%2Fvar%2Frun/db', 'postgres://u:p%40ss@h:5432/d?sslmode=require'])(
    'accepts %s',
    (url) => {
      expect(resolveConfig({ ...views, 'database-url': url }, {}).databaseUrl).toBe(url);
    },
  );

  it('leaves the variables alone that Kubernetes makes of a service named listener', () => {
    const env = {
      LISTENER_SERVICE_HOST: '10.0.0.1',
      LISTENER_SERVICE_PORT: '9187',
      LISTENER_SERVICE_PORT_METRICS: '9187',
      LISTENER_PORT: 'tcp://10.0.0.1:9187',
      LISTENER_PORT_9187_TCP: 'tcp://10.0.0.1:9187',
      LISTENER_PORT_9187_TCP_ADDR: '10.0.0.1',
    };
    expect(resolveConfig(views, env).port).toBeUndefined();
    expect(resolveConfig({ ...views, port: '9187' }, env).port).toBe(9187);
  });
});

describe('options', () => {
  it('have a default that they accept themselves, or say what happens without one', () => {
    for (const name of optionNames) {
      const option = options[name];
      if ('default' in option) expect(option.type.schema.safeParse(option.default).success, name).toBe(true);
      else expect('required' in option || 'fallback' in option, name).toBe(true);
    }
  });

  it('have variables of their own', () => {
    const variables = optionNames.flatMap(environmentNames);
    expect(new Set(variables).size).toBe(variables.length);
    expect(environmentNames('max-wait')).toEqual(['LISTENER_MAX_WAIT']);
    expect(environmentNames('database-url')).toEqual(['LISTENER_DATABASE_URL', 'DATABASE_URL']);
  });
});
