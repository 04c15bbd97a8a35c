import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../bench/machine.js';
import { mergeResults, parseResults, renderResults, type Section } from '../../bench/results.js';
import { formatMegabytes, formatMs, formatNumber, formatRatio, renderTable } from '../../bench/table.js';
import { summarise } from '../../bench/measures/pinned-vacuum.js';
import { costBesideAppend, ratesTable, ratioToNone } from '../../bench/write/rounds.js';

const write: Section = { name: 'write-cost', title: 'Write cost', body: '| a |\n|---|\n| 1 |\n\n### More\n\n- met: 0.90' };
const flood: Section = { name: 'flood', title: 'A flood', body: 'Nothing happened.' };

describe('renderTable', () => {
  it('pads its columns, numbers to the right, and escapes bars', () => {
    expect(renderTable(['what', 'rate'], [['a|b', '1,234'], ['longer', '9']])).toBe(
      ['| what   |  rate |', '|--------|------:|', '| a\\|b   | 1,234 |', '| longer |     9 |'].join('\n'),
    );
  });
});

describe('formats', () => {
  it.each([[12_345.6, '12,346'], [12.34, '12.3'], [1.234, '1.23'], [7, '7'], [0, '0']])('the number %d as %s', (value, expected) => {
    expect(formatNumber(value)).toBe(expected);
  });

  it('durations, memory and ratios with their spread', () => {
    expect([formatMs(61.04), formatMs(2_345), formatMegabytes(94_371_840)]).toEqual(['61.0 ms', '2.35 s', '90 MB']);
    expect(formatRatio({ median: 0.876, low: 0.84, high: 0.91 })).toBe('0.88 (0.84 to 0.91)');
  });
});

describe('RESULTS.md', () => {
  it('is read back as it was written', () => {
    expect(parseResults(renderResults([write, flood]))).toEqual([write, flood]);
    expect(parseResults('')).toEqual([]);
  });

  it('keeps what was not measured anew, in the order of the measures, and drops measures that are gone', () => {
    const anew = { ...flood, body: 'Still nothing.' };
    expect(mergeResults([flood, write, { ...write, name: 'old' }], [anew], ['write-cost', 'flood'])).toEqual([write, anew]);
  });

  it('names the machine in one line', () => {
    expect(describeMachine('15.18', new Date('2026-11-21T12:00:00Z'))).toMatch(/, \d+ cores, \d+ GB, \w+; PostgreSQL 15\.18, Node \d+\.\d+\.\d+; 2026-11-21$/);
  });
});

describe('rates in rounds', () => {
  const rates = new Map([['none', [100, 50, 80]], ['following', [90, 46, 70]]] as const);

  it('are compared round by round', () => {
    expect(ratioToNone(rates, 'following').median).toBe(0.9);
    expect(ratesTable(rates, 'transactions/s').split('\n').at(-1)).toContain('| ours, worker following |             70 | 0.90 (0.89 to 0.91) |');
  });

  it('tell what is the cost of any log row, and what is ours', () => {
    const beside = new Map([['none', [100, 50]], ['append', [80, 40]], ['idle', [72, 36]], ['following', [60, 30]]] as const);
    expect(costBesideAppend(beside)).toBe(
      'A trigger that only appends is at 0.80 of no trigger: that is what any log row costs here; '
      + 'ours, worker idle, is at 0.90 of that, following at 0.75 of that.');
  });

  it('show by the minute whether they decline', () => {
    const turns = [{ minute: 1, none: 100, following: 90 }, { minute: 1, none: 80, following: 72 }, { minute: 2, none: 50, following: 36 }];
    const { table, trend } = summarise(turns);
    expect(trend).toBeCloseTo(0.8);
    expect(table.split('\n')).toHaveLength(4);
  });
});
