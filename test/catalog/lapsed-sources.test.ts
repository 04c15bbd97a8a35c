import { describe, expect, it } from 'vitest';
import { lapsedSources, silenceMs } from '../../src/catalog/lease.js';

const nowMs = 1_000_000;

describe('lapsedSources', () => {
  it.each([
    ['an unset register: the trigger appends', null, []],
    ['far from its end', nowMs + 60_000, []],
    ['one millisecond outside the margin', nowMs + 5_001, []],
    ['at the margin: it may end before it is renewed', nowMs + 5_000, [7]],
    ['at its end', nowMs, [7]],
    ['long past its end', 0, [7]],
  ])('%s', (_, untilMs, expected) => {
    expect(lapsedSources([{ source: 7, untilMs, nowMs }])).toEqual(expected);
  });

  it('without a margin: the trigger stops at the very millisecond', () => {
    expect(lapsedSources([{ source: 7, untilMs: nowMs + 1, nowMs }], 0)).toEqual([]);
    expect(lapsedSources([{ source: 7, untilMs: nowMs, nowMs }], 0)).toEqual([7]);
  });

  it('tells each source by itself', () => {
    const registers = [
      { source: 1, untilMs: nowMs - 1, nowMs }, { source: 2, untilMs: nowMs + 60_000, nowMs },
      { source: 3, untilMs: null, nowMs }, { source: 4, untilMs: nowMs, nowMs },
    ];
    expect(lapsedSources(registers)).toEqual([1, 4]);
  });
});

describe('silenceMs', () => {
  it.each([[3_600_000, 3_540_000], [60_000, 0], [1_000, 0]])('a lapse of %i ms: nobody is rung for in the last %i of it', (lapseMs, expected) => {
    expect(silenceMs(lapseMs)).toBe(expected);
  });
});
