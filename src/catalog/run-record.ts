import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const recentRunsQuery = loadQuery('recent-runs');
const runHistoryQuery = loadQuery('run-history');

/** A transaction that may still commit rows into gaps below a summary's watermark. */
export interface Holder {
  /** As `pg_locks` names it; `-1/xid` since a restart of the server; 'sequence' for all who are still to draw such an id. */
  readonly transaction: string;
  /** Null for a prepared transaction. */
  readonly pid: number | null;
  /** When it began, ISO 8601 in UTC; null where nobody knows. */
  readonly since: string | null;
}

/** As a gap keeps them: by their transactions. */
export type Holders = Readonly<Record<string, Pick<Holder, 'pid' | 'since'>>>;

/** Pure. */
export function listHolders(holders: Holders): Holder[] {
  return Object.entries(holders).map(([transaction, { pid, since }]) => ({ transaction, pid, since: since === null ? null : new Date(since).toISOString() }));
}

/** Whether what a summary has to catch up with becomes more or less; null: nothing is left, or nobody knows yet. */
export type Backlog = 'growing' | 'shrinking' | null;

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
  /** Of a summary: its transactions. */
  readonly batches: number | null;
  /** Of a summary: ids below the watermark that it had not seen, and who might still commit them. */
  readonly gaps: number | null;
  readonly holders: readonly Holder[] | null;
  /** Of a summary: ids that it left to catch up with. */
  readonly rowsBehind: number | null;
}

/** The last refreshes of a view, the latest first. */
export async function readRecentRuns(tx: Transaction, view: number, limit: number): Promise<RunRecord[]> {
  return tx.rows<RunRecord>(recentRunsQuery, [view, limit]);
}

/** All that is on record of a view, which is kept for --history; the row of `run-history.sql`. */
export interface RunHistory {
  /** When the oldest began; null: there is none. */
  readonly since: Date | null;
  /** The failed ones included. */
  readonly refreshes: number;
  readonly failures: number;
  /** Of those that succeeded; null: none has. */
  readonly medianMs: number | null;
  readonly longestMs: number | null;
  /** The longest that a change has waited to be shown; null where nothing told. */
  readonly worstStalenessMs: number | null;
}

export async function readRunHistory(tx: Transaction, view: number): Promise<RunHistory> {
  const [history] = await tx.rows<RunHistory>(runHistoryQuery, [view]);
  if (history === undefined) throw new Error('An aggregate without GROUP BY returned no row.');
  return history;
}
