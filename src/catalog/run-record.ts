import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const recentRunsQuery = loadQuery('recent-runs');

/** One refresh on record, done or failed. */
export interface RunRecord {
  readonly startedAt: Date;
  readonly reason: string;
  /** Null when it failed. */
  readonly plan: string | null;
  readonly durationMs: number;
  /** From the oldest change absorbed to visible; null where nothing told. */
  readonly stalenessMs: number | null;
  /** Rows; null when it failed. */
  readonly inserted: number | null;
  readonly updated: number | null;
  readonly deleted: number | null;
  /** Names of the sources that had changed. */
  readonly sources: readonly string[];
  readonly sqlstate: string | null;
  readonly error: string | null;
  /** Of a summary, null otherwise: source rows read, those for buckets that had ended, those for closed ones. */
  readonly rowsRead: number | null;
  readonly late: number | null;
  readonly closedLate: number | null;
  /** Of a summary: its rows that a repair found wrong; null: none was made. */
  readonly corrections: number | null;
}

/** The last refreshes of a view, the latest first. */
export async function readRecentRuns(tx: Transaction, view: number, limit: number): Promise<RunRecord[]> {
  return tx.rows<RunRecord>(recentRunsQuery, [view, limit]);
}
