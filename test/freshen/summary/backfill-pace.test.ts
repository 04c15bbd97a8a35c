import { describe, expect, it } from 'vitest';
import { nextBuckets, type Paced } from '../../../src/freshen/summary/backfill-pace.js';

/** What batches come to, each of which takes so long by its number of buckets. */
function settled(durationOf: (buckets: number) => number): Paced {
  let last: Paced = { buckets: 1, durationMs: durationOf(1) };
  let before: Paced | undefined;
  for (let round = 0; round < 40; round += 1) {
    const buckets = nextBuckets(last, before);
    if (buckets !== last.buckets) before = last;
    last = { buckets, durationMs: durationOf(buckets) };
  }
  return last;
}

describe('the buckets of a batch', () => {
  it('are as many as fit into a second', () => {
    expect(settled((buckets) => 10 * buckets).durationMs).toBe(1_000);
    expect(settled((buckets) => 200 + 10 * buckets).durationMs).toBeCloseTo(1_000, -1);
  });

  it('are one at least, and no more than so many', () => {
    expect(settled((buckets) => 4_000 * buckets)).toEqual({ buckets: 1, durationMs: 4_000 });
    expect(settled((buckets) => 0.001 * buckets).buckets).toBe(10_000);
  });

  it('are more where each batch takes its time whatever it does', () => {
    const { buckets, durationMs } = settled((some) => 3_000 + 10 * some);
    expect(buckets).toBe(300);
    expect(durationMs).toBe(6_000);
  });

  it('at most double, and at most halve', () => {
    expect(nextBuckets({ buckets: 8, durationMs: 1 })).toBe(16);
    expect(nextBuckets({ buckets: 8, durationMs: 60_000 }, { buckets: 4, durationMs: 30_000 })).toBe(4);
    expect(nextBuckets({ buckets: 8, durationMs: 2 }, { buckets: 4, durationMs: 1 })).toBe(16);
  });
});
