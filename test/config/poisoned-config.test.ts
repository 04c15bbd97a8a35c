import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/config.js';
import { parseConfigFile } from '../../src/config/config-file.js';
import { settingsOf } from '../../src/config/view-settings.js';
import { UsageError } from '../../src/config/usage-error.js';

const parse = (text: string): unknown => parseConfigFile(text, 'listener.config.json');

function messageOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  return 'it was accepted';
}

describe('a poisoned config file', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])('finds no option in %s, at no level', (key) => {
    expect(messageOf(`{ "views": "mv", "${key}": { "debounce": "1ms" } }`)).toMatch(/there is no option|write a text/);
    expect(messageOf(`{ "views": { "mv": { "${key}": "1ms" } } }`)).toContain('there is no option');
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).debounce).toBeUndefined();
  });

  it.each(['__proto__', 'constructor'])('may name a view %s, which is a name like any other', (key) => {
    const { views } = parseConfigFile(`{ "views": { "${key}": { "debounce": "1s" } } }`, 'f.json');
    expect(views).toEqual([{ name: key, options: { debounce: '1s' } }]);
    const config = resolveConfig({ views: 'mv' }, { env: {}, defaultFile: false, views });
    expect(settingsOf(config, { schema: 'public', relation: key }).debounceMs).toBe(1000);
    expect(settingsOf(config, { schema: 'public', relation: 'mv' }).debounceMs).toBe(5000);
  });

  it.each([
    ['{"database-url": "postgres://u:hunter2@h/d" "views": "mv"}'],
    ['{"database-url": "postgres://u:hunter2@h/d",}'],
    ['{"database-url": "postgres://u:hunter2'],
    ['postgres://u:hunter2@h/d'],
    ['{"a":x"postgres://u:hunter2@h/d"}'],
    ['{"database-url": hunter2}'],
    ['{"postgres://u:hunter2@h/d": 1}'],
    ['{"views": {"postgres://u:hunter2@h/d": 1}}'],
    ['{"views": {"postgres://u:hunter2@h/d": {"sweep": "1s"}}}'],
    ['{"views": {"mv": {"postgres://u:hunter2@h/d": "1s"}}}'],
  ])('is refused in one line without its secrets: %s', (text) => {
    expect(messageOf(text)).toMatch(/^listener\.config\.json[^\n]+$/);
    expect(messageOf(text)).not.toContain('hunter2');
  });

  it('as deep as a parser can be asked to go is refused', () => {
    expect(messageOf(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toMatch(/is not JSON|must be an object/);
    expect(messageOf(`{ "debounce": ${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)} }`)).toContain('debounce: write a text');
  });

  it('with control characters in a name says so without them being obeyed', () => {
    expect(messageOf('{ "\\u001b[2Jdebounce\\n": "1s" }')).toContain('there is no option');
  });
});
