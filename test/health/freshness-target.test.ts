import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/config.js';
import { parseConfigFile } from '../../src/config/config-file.js';
import { settingsOf, withinTarget } from '../../src/config/view-settings.js';
import { freshnessTargetMs, intervalMs } from '../../src/health/freshness-target.js';

const interval = { maxWaitMs: 30_000, pollMs: 0, lastDurationMs: 10_000 };

describe('the freshness target of a view', () => {
  it('is twice its interval, where none is set: --max-wait, the last refresh, and the rest after it', () => {
    expect(intervalMs(interval)).toBe(50_000);
    expect(freshnessTargetMs({ freshnessMs: undefined }, interval)).toBe(100_000);
  });

  it('counts the time between two looks, where the worker polls, and no refresh where there was none', () => {
    expect(intervalMs({ maxWaitMs: 30_000, pollMs: 600_000, lastDurationMs: null })).toBe(630_000);
  });

  it('is what was said, however long refreshes take', () => {
    expect(freshnessTargetMs({ freshnessMs: 1_000 }, interval)).toBe(1_000);
  });
});

describe('--freshness', () => {
  const { views } = parseConfigFile(JSON.stringify({ views: { 'hourly_*': { freshness: '5m' }, hourly_b: { freshness: '2m' } } }), 'a.json');
  const config = resolveConfig({ views: 'mv', freshness: '10s' }, { env: {}, defaultFile: false, views });
  const targetOf = (relation: string, created?: number): number | undefined =>
    settingsOf(config, { schema: 'public', relation, freshnessMs: created ?? null }).freshnessMs;

  it('holds for all views, but for those that are named, the closer the stronger', () => {
    expect(['mv', 'hourly_a', 'hourly_b'].map((name) => targetOf(name))).toEqual([10_000, 300_000, 120_000]);
  });

  it('yields to what a summary was created with, which yields to its name', () => {
    expect([targetOf('daily', 60_000), targetOf('hourly_a', 60_000)]).toEqual([60_000, 300_000]);
  });

  it('leaves half of itself for the wait', () => {
    expect(withinTarget(settingsOf(config, { schema: 'public', relation: 'mv' }))).toMatchObject({ debounceMs: 5_000, maxWaitMs: 5_000 });
    expect(withinTarget({ debounceMs: 5_000, maxWaitMs: 30_000, freshnessMs: undefined })).toMatchObject({ debounceMs: 5_000, maxWaitMs: 30_000 });
  });
});

describe('--alert-url', () => {
  it.each(['hooks.example.com/SECRET', 'ftp://hooks.example.com/SECRET', 'postgres://u:SECRET@h/db', 'http://[SECRET', 'https://me:%zzSECRET@hooks.example.com/'])('refuses %s, and does not repeat it', (url) => {
    const resolve = (): unknown => resolveConfig({ views: 'mv', 'alert-url': url }, { env: {}, defaultFile: false });
    expect(resolve).toThrow('--alert-url: is no URL of a webhook');
    expect(resolve).not.toThrow('SECRET');
  });

  it('is read from its variable', () => {
    const { alertUrl } = resolveConfig({ views: 'mv' }, { env: { LISTENER_ALERT_URL: 'https://hooks.example.com/a?b=c' }, defaultFile: false });
    expect(alertUrl).toBe('https://hooks.example.com/a?b=c');
  });
});
