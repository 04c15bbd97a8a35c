import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterLook, afterRing, holdLengthMs, type Hold, type LookResult } from '../../src/wake/hold.js';

const holdMs = 100;
const now = 5_000;
const quiet: LookResult = { found: false, remainingMs: 0, hasWriters: false };
const ended: Hold = { until: now - 10, lookAt: now - 10, paceMs: holdMs };

describe('holdLengthMs', () => {
  it.each([
    [5_000, 1_000, 1_000],
    [2_000, 1_000, 500],
    [400, 1_000, 100],
    [250, 1_000, 63], // the register takes whole numbers
    [200, 1_000, 50],
    [10, 1_000, 50],
    [0, 1_000, 50],
  ])('a debounce of %i ms, at most %i ms: %i ms', (debounceMs, longestMs, expected) => {
    expect(holdLengthMs(debounceMs, longestMs)).toBe(expected);
  });
});

describe('afterRing', () => {
  it('begins a hold at the first ring, and looks when it ends', () => {
    expect(afterRing(undefined, now, holdMs)).toEqual({ setHold: true, hold: { until: now + 100, lookAt: now + 100, paceMs: 100 } });
  });

  it('ignores rings within a hold', () => {
    const hold: Hold = { until: now + 1, lookAt: now + 1, paceMs: holdMs };
    expect(afterRing(hold, now, holdMs)).toEqual({ setHold: false, hold });
  });

  it('begins a new hold at the very end of one', () => {
    expect(afterRing({ until: now, lookAt: now, paceMs: holdMs }, now, holdMs)).toMatchObject({ setHold: true, hold: { until: now + 100 } });
  });

  it('is fast again after a ring, however slow the looks at unfinished writers had become', () => {
    const slow: Hold = { until: now - 9_000, lookAt: now + 4_000, paceMs: 5_000 };
    expect(afterRing(slow, now, holdMs).hold).toEqual({ until: now + 100, lookAt: now + 100, paceMs: 100 });
  });
});

describe('afterLook', () => {
  it('is quiet when nothing is new and nobody writes', () => {
    expect(afterLook(ended, quiet, now, holdMs)).toEqual({ setHold: false, hold: undefined });
  });

  it('takes new rows for a ring: traffic goes on', () => {
    expect(afterLook(ended, { ...quiet, found: true }, now, holdMs)).toEqual({
      setHold: true, hold: { until: now + 100, lookAt: now + 100, paceMs: 100 },
    });
  });

  it('waits out a further hold that another worker has set, without setting one', () => {
    const result = afterLook(ended, { found: true, remainingMs: 40, hasWriters: true }, now, holdMs);
    expect(result).toEqual({ setHold: false, hold: { until: now + 40, lookAt: now + 40, paceMs: 100 } });
  });

  it('looks again for an unfinished writer, with the bell live', () => {
    const { setHold, hold } = afterLook(ended, { ...quiet, hasWriters: true }, now, holdMs);
    expect({ setHold, hold }).toEqual({ setHold: false, hold: { until: ended.until, lookAt: now + 150, paceMs: 150 } });
  });

  it('looks ever more seldom for it, but at least every 5 s, and never at a shrinking pace', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 1_000 }), fc.integer({ min: 1, max: 40 }), (paceMs, looks) => {
        let hold: Hold = { until: 0, lookAt: 0, paceMs };
        for (let look = 0; look < looks; look += 1) {
          const next = afterLook(hold, { ...quiet, hasWriters: true }, hold.lookAt, paceMs).hold;
          if (next === undefined) return false;
          if (next.lookAt - hold.lookAt > 5_000 || next.paceMs < hold.paceMs) return false;
          hold = next;
        }
        return looks < 15 || hold.paceMs === 5_000;
      }),
    );
  });

  it('ends within a second though the hold lies far ahead', () => {
    const farAhead = { found: true, remainingMs: Number.MAX_SAFE_INTEGER, hasWriters: false };
    expect(afterLook(ended, farAhead, now, holdMs).hold).toMatchObject({ until: now + 1_000, lookAt: now + 1_000 });
  });
});
