import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/config/backoff.js';

const most = () => 1 - Number.EPSILON;
const middle = () => 0.5;
const least = () => 0;

describe('backoffMs', () => {
  it('doubles from attempt to attempt, up to the greatest wait', () => {
    expect([1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, 1_000, 10_000, most))).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });

  it('draws from the whole range: full jitter', () => {
    expect(backoffMs(4, 1_000, 10_000, middle)).toBe(4_000);
    expect(backoffMs(4, 1_000, 10_000, () => 0.25)).toBe(2_000);
  });

  it('never waits for less than a tenth of the base', () => {
    expect(backoffMs(1, 1_000, 10_000, least)).toBe(100);
    expect(backoffMs(9, 1_000, 10_000, least)).toBe(100);
    expect(backoffMs(1, 0, 10_000, least)).toBe(1);
    expect(backoffMs(1, 0, 0, least)).toBe(1);
  });

  it('stays within its limits at every attempt, also at the millionth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 0, max: 10 ** 12 }),
        fc.integer({ min: 1, max: 10 ** 12 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, baseMs, maxMs, drawn) => {
          const waitMs = backoffMs(attempt, baseMs, maxMs, () => drawn);
          expect(Number.isInteger(waitMs)).toBe(true);
          expect(waitMs).toBeGreaterThanOrEqual(1);
          expect(waitMs).toBeLessThanOrEqual(Math.min(maxMs, 2 ** 31 - 1));
        },
      ),
    );
  });
});
