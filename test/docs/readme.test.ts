import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { options } from '../../src/config/options.js';
import { commands } from '../../src/commands/index.js';
import { eventNames } from '../../src/report/event-level.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** First and second cell of the rows of the table under a heading. */
function table(heading: string): Map<string, string> {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(rows.map((row) => row.split('|').slice(1, 3).map((cell) => cell.trim()) as [string, string]));
}

describe('the README', () => {
  it('names every option with its default, and no other', () => {
    const documented = [...table('Options')].map(([name, value]) => [name.replaceAll(/[`-]{1,3}/g, ''), value.replaceAll('`', '')]);
    const declared = Object.entries(options).filter(([, option]) => !('flagOnly' in option)).map(([name, option]) => [
      name.replaceAll('-', ''),
      'default' in option ? option.default : 'fallback' in option ? option.fallback : 'required',
    ]);
    expect(documented).toEqual(declared);
  });

  it('names every command, in the order of --help', () => {
    expect([...table('Commands').keys()].map((name) => name.replaceAll('`', ''))).toEqual([...commands.map(({ name }) => name), 'completion']);
  });

  it('names every event, and no other', () => {
    expect([...table('Events').keys()].map((name) => name.replaceAll('`', ''))).toEqual(eventNames);
  });
});
