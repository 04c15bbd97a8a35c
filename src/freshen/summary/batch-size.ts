const fewestRows = 1_000;
const mostRows = 2_000_000;
/** One transaction of an absorb should stay near this. */
const aimMs = 1_000;

/**
 * How many rows should the next batch take? As many as fit into about a second, by what the last one took; at most twice
 * as many, at least half as many. A batch that was not full says nothing. Pure.
 *
 * @param batch rows that the last one could take
 * @param rows that it took
 */
export function nextBatchRows(batch: number, rows: number, durationMs: number): number {
  if (rows < batch && durationMs < aimMs) return batch;
  const fitting = (batch * aimMs) / Math.max(1, durationMs);
  return Math.round(Math.min(mostRows, Math.max(fewestRows, Math.min(batch * 2, Math.max(batch / 2, fitting)))));
}
