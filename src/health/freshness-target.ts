import type { ViewSettings } from '../config/view-settings.js';

/** What the interval of a view depends on, in ms. */
export interface Interval {
  readonly maxWaitMs: number;
  /** How often the worker looks for changes; 0 where it is told of each. */
  readonly pollMs: number;
  /** How long the last refresh took; null: there was none yet. */
  readonly lastDurationMs: number | null;
}

/**
 * How long a change takes to be shown at most while all is well, in ms: until the worker sees it, `--max-wait`, the last
 * refresh once more and the rest that follows it, which is as long. Pure.
 */
export function intervalMs({ maxWaitMs, pollMs, lastDurationMs }: Interval): number {
  return pollMs + maxWaitMs + 2 * (lastDurationMs ?? 0);
}

/** How long a view may be stale, in ms: as long as it was said, or twice its interval. Pure. */
export function freshnessTargetMs({ freshnessMs }: Pick<ViewSettings, 'freshnessMs'>, interval: Interval): number {
  return freshnessMs ?? 2 * intervalMs(interval);
}
