import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveConfig, type Config, type Flags } from '../../src/config/config.js';
import { parseConfigFile } from '../../src/config/config-file.js';
import type { Environment } from '../../src/config/environment.js';
import { UsageError } from '../../src/config/usage-error.js';
import { settingsOf } from '../../src/config/view-settings.js';

function folderWith(content: unknown, name = 'listener.config.json'): string {
  const folder = mkdtempSync(join(tmpdir(), 'listener-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

function resolved(content: unknown, flags: Flags = {}, env: Environment = {}): Config {
  return resolveConfig(flags, { env, folder: folderWith(content) });
}

describe('a config file', () => {
  it('sets options, under the environment and under flags', () => {
    const file = { views: ['mv'], debounce: '1s', sweep: '2m', concurrency: 3, install: false };
    expect(resolved(file)).toMatchObject({ debounceMs: 1000, sweepMs: 120_000, concurrency: 3, install: false });
    expect(resolved(file, {}, { LISTENER_DEBOUNCE: '2s' })).toMatchObject({ debounceMs: 2000, sweepMs: 120_000 });
    expect(resolved(file, { debounce: '3s' }, { LISTENER_DEBOUNCE: '2s' }).debounceMs).toBe(3000);
  });

  it('names views as a text, as a list, or with settings of their own', () => {
    for (const views of ['a, s.b', ['a', 's.b'], { a: {}, 's.b': { debounce: '1s' } }]) {
      expect(resolved({ views }).views.map(({ text }) => text)).toEqual(['a', 's.b']);
    }
    expect(resolved({ views: { a: {} } }, { views: 'b' }).views.map(({ text }) => text)).toEqual(['b']);
  });

  it('is read from where --config says, and need not be there otherwise', () => {
    const folder = folderWith({ views: 'mv' }, 'other.json');
    expect(resolveConfig({ config: 'other.json' }, { env: {}, folder }).views).toHaveLength(1);
    expect(resolveConfig({}, { env: { LISTENER_CONFIG: join(folder, 'other.json') }, folder }).views).toHaveLength(1);
    expect(resolveConfig({ views: 'mv' }, { env: {}, folder }).views).toHaveLength(1);
  });

  it('gives each view the settings that stand closest to it', () => {
    const config = resolved({
      debounce: '9s',
      views: { mv_a: { debounce: '1s', 'max-age': '15m' }, 'mv_*': { debounce: '2s', schedule: '0 6 * * *' }, '*': { 'refresh-timeout': '1m', debounce: '3s' } },
    });
    expect(settingsOf(config, { schema: 'public', relation: 'mv_a' })).toMatchObject({
      debounceMs: 1000, maxAgeMs: 900_000, schedule: '0 6 * * *', refreshTimeoutMs: 60_000, maxWaitMs: 30_000,
    });
    expect(settingsOf(config, { schema: 'public', relation: 'mv_b' })).toMatchObject({ debounceMs: 3000, schedule: '0 6 * * *', maxAgeMs: undefined });
    expect(settingsOf(config, { schema: 'public', relation: 'other' })).toMatchObject({ debounceMs: 3000, schedule: undefined });
    expect(settingsOf(resolved({ debounce: '9s', views: { mv: {} } }), { schema: 's', relation: 'mv' }).debounceMs).toBe(9000);
  });

  it.each<[unknown, string]>([
    ['{ "views": ', 'listener.config.json is not JSON:'],
    [[], 'listener.config.json: the file must be an object, such as { "debounce": "5s" }'],
    [{ views: 'mv', debonce: '5s' }, 'listener.config.json: there is no option debonce: did you mean debounce?'],
    [{ views: 'mv', maxWait: '5s' }, 'listener.config.json: there is no option maxWait: did you mean max-wait?'],
    [{ views: 'mv', json: true }, 'listener.config.json: there is no option json:'],
    [{ views: 'mv', config: 'other.json' }, 'listener.config.json: a config file cannot name another: take config out'],
    [{ views: 'mv', debounce: 5 }, 'listener.config.json: debounce: 5 has no unit: write 5s or 5ms'],
    [{ views: 'mv', debounce: ['5s'] }, 'listener.config.json: debounce: write a text, a number, or true or false'],
    [{ views: 'mv', install: 'perhaps' }, 'listener.config.json: install: "perhaps" is not accepted: write on or off'],
    [{ views: 7 }, 'listener.config.json: views must be an object'],
    [{ views: { mv: '5s' } }, 'listener.config.json: views: mv must be an object'],
    [{ views: { mv: { sweep: '5s' } } }, 'listener.config.json: views: mv: sweep cannot be set for a single view: move it to the top of the file, or write one of'],
    [{ views: { mv: { debonce: '5s' } } }, 'listener.config.json: views: mv: there is no option debonce: did you mean debounce?'],
    [{ views: { mv: { debounce: 'soon' } } }, 'listener.config.json: views: mv: debounce: "soon"'],
    [{ views: { mv: { debounce: '1h' } } }, 'listener.config.json: views: mv: --debounce 1h is longer than --max-wait 30s'],
    [{ views: { 'odd-name': {} } }, 'listener.config.json: views: odd-name is not a name'],
    [{ views: { mv: { schedule: 'daily' } } }, 'listener.config.json: views: mv: schedule: "daily" is no cron expression'],
  ])('%j is refused in one line that says where', (content, message) => {
    const given = (): unknown => resolved(content);
    expect(given).toThrow(UsageError);
    expect(given).toThrow(message);
  });

  it('that is named and not there is an error', () => {
    expect(() => resolveConfig({ config: 'missing.json', views: 'mv' }, { env: {} })).toThrow(
      'the config file missing.json cannot be read (ENOENT): check its path and its permissions',
    );
  });

  it('may name its schema for an editor', () => {
    expect(parseConfigFile('{ "$schema": "x", "debounce": "1s" }', 'f.json').options).toEqual({ debounce: '1s' });
  });
});
