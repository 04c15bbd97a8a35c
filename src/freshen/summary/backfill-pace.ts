const mostBuckets = 10_000;
/** One transaction of a backfill should stay near this. */
const aimMs = 1_000;

/** How long a batch of buckets took. */
export interface Paced {
  readonly buckets: number;
  readonly durationMs: number;
}

/**
 * How many buckets should the next batch take? As many as fit into about a second; at most twice as many, at least half as
 * many as the last, and at least one. Where a batch takes its time however few they are (no index leads to their rows,
 * and all of the source is read each time), that is no reason for fewer: half of the time is then spent on the buckets. Pure.
 *
 * @param before the last batch of another size than `last`, if there was one
 */
export function nextBuckets(last: Paced, before?: Paced): number {
  // One size alone does not tell what a bucket costs, and what the batch.
  if (before === undefined) return Math.min(mostBuckets, last.buckets * 2);
  const perBucket = Math.max(0, (last.durationMs - before.durationMs) / (last.buckets - before.buckets));
  const fixedMs = Math.max(0, last.durationMs - perBucket * last.buckets);
  const fitting = (Math.max(aimMs, 2 * fixedMs) - fixedMs) / Math.max(perBucket, 0.001);
  return Math.round(Math.min(mostBuckets, Math.max(1, Math.min(last.buckets * 2, Math.max(last.buckets / 2, fitting)))));
}
