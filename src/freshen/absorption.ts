import type { Backlog, Holder } from '../catalog/run-record.js';
import type { Transaction } from '../database/database.js';
import type { RefreshPlan, RefreshTarget } from './refresh.js';

/** Why a view is absorbed. */
export type AbsorbReason = 'change' | 'sweep' | 'start' | 'upstream' | 'schedule' | 'repair' | 'manual' | 'backfill';

/** How a view is brought up: a materialized view by a refresh, a summary by merging what is new, or by rebuilding what is open. */
export type Plan = RefreshPlan | 'merge' | 'rebuild';

/** What an absorb of a summary did besides. Rows of the source. */
export interface SummaryRun {
  /** Whether this was its first fill. */
  readonly filling: boolean;
  readonly rowsRead: number;
  /** For buckets that had ended before the absorb before, and shown. */
  readonly late: number;
  /** For closed buckets: counted, not shown. */
  readonly closedLate: number;
  /** Rows of the summary that a repair found wrong; null: none was made. */
  readonly corrections: number | null;
  readonly batches: number;
  /** Ids below the watermark that are not seen yet, and who may still commit them. */
  readonly gaps: number;
  readonly holders: readonly Holder[];
  /** Ids between the watermark and the greatest: 0 when everything has been absorbed. */
  readonly rowsBehind: number;
  readonly backlog: Backlog;
}

/** What one absorb did. */
export interface Absorbed {
  readonly outcome: 'absorbed';
  readonly plan: Plan;
  /** Names of the sources that had log rows. */
  readonly sources: readonly string[];
  /** From the oldest change absorbed to the commit that shows it, by the server's clock; null when no log row told. */
  readonly stalenessMs: number | null;
  readonly durationMs: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Whether views that read this one have become stale. */
  readonly changed: boolean;
  /** As it is called now: it may have been renamed since the last sweep. */
  readonly name: string;
  /** A materialized view, as it was before: for the advice on a plain refresh. */
  readonly target?: RefreshTarget;
  /** What only a summary has. */
  readonly summary?: SummaryRun;
}

/** Whether nothing was left for later: a summary takes many rows in several absorbs. Pure. */
export function isWhole({ summary }: Pick<Absorbed, 'summary'>): boolean {
  return (summary?.rowsBehind ?? 0) === 0;
}

/**
 * Whether something is left and no row could be taken: a summary's watermark waits for transactions that may still fill its
 * gaps. There is no point in asking again at once. Pure.
 */
export function isStuck({ summary }: Pick<Absorbed, 'summary'>): boolean {
  return (summary?.rowsBehind ?? 0) > 0 && summary?.rowsRead === 0;
}

/** Nothing was done: the view is fresh already, or paused, another worker is absorbing it right now, or it is no longer there. */
export interface Skipped {
  readonly outcome: 'fresh' | 'paused' | 'locked' | 'gone';
}

/** How far a summary's absorb has come by one of its batches. */
export interface BatchProgress {
  /** Whether this is its first fill. */
  readonly filling: boolean;
  /** Of the source, that the batch took. */
  readonly rows: number;
  /** See `SummaryRun`. */
  readonly rowsBehind: number;
}

export interface AbsorbOptions {
  readonly reason: AbsorbReason;
  readonly lockTimeoutMs: number;
  /** 0: none. Always stated, so that a provider's default does not kill a refresh. */
  readonly refreshTimeoutMs: number;
  /** Absorb also when nothing is known to have changed, if the last absorb began before this, in ms since 1970 by the server's clock. */
  readonly overdueSince?: number | undefined;
  /** Absorb also when the view is paused. Default: false. */
  readonly evenPaused?: boolean;
  /** Between two batches of a summary: leave the rest for later. */
  readonly signal?: AbortSignal | undefined;
  /** Rows that a summary takes in its first transaction. Default: 50,000. */
  readonly batchRows?: number | undefined;
  /** Compare a summary with its source when the last time is longer ago than this, in ms. Default: only when something calls for it. */
  readonly repairEveryMs?: number | undefined;
  /** Told which backend works, once it begins to: for whoever must cancel it. */
  readonly onWorking?: (work: { readonly transaction: Transaction; readonly plan: Plan }) => void;
  /** Told of each batch of a summary that is committed. */
  readonly onBatch?: (progress: BatchProgress) => void;
}
