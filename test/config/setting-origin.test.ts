import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/config.js';
import { settingsInForce } from '../../src/config/setting-origin.js';

const folder = mkdtempSync(join(tmpdir(), 'listener-'));
writeFileSync(join(folder, 'listener.config.json'), JSON.stringify({
  debounce: '1s', 'lock-timeout': '3s', views: { 'mv_*': { debounce: '2s', 'max-wait': '20s' }, mv_a: { 'max-wait': '10s' } },
}));
const config = resolveConfig({ 'retry-max': '1m' }, { env: { LISTENER_LOCK_TIMEOUT: '4s' }, folder });

describe('the settings in force for a view', () => {
  it('are each told with who said so last', () => {
    expect(settingsInForce(config, { schema: 'public', relation: 'mv_a' })).toEqual([
      { option: 'lock-timeout', value: 4000, origin: 'LISTENER_LOCK_TIMEOUT' },
      { option: 'debounce', value: 2000, origin: 'config file: views: mv_*' },
      { option: 'max-wait', value: 10_000, origin: 'config file: views: mv_a' },
      { option: 'max-age', value: undefined, origin: 'default' },
      { option: 'schedule', value: undefined, origin: 'default' },
      { option: 'freshness', value: undefined, origin: 'default' },
      { option: 'refresh-timeout', value: 0, origin: 'default' },
      { option: 'batch', value: 50_000, origin: 'default' },
      { option: 'repair-every', value: 3_600_000, origin: 'default' },
      { option: 'vacuum', value: true, origin: 'default' },
      { option: 'retry-base', value: 1000, origin: 'default' },
      { option: 'retry-max', value: 60_000, origin: '--retry-max' },
    ]);
  });

  it('are the general ones for a view that no pattern covers', () => {
    const [, debounce] = settingsInForce(config, { schema: 'public', relation: 'other' });
    expect(debounce).toEqual({ option: 'debounce', value: 1000, origin: 'listener.config.json: debounce' });
  });
});
