import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const summaryStandingsQuery = loadQuery('summary-standings');

/** How a summary stands: the row of `summary-standings.sql`. */
export interface SummaryStanding {
  /** Id of the view. */
  readonly view: number;
  readonly capture: 'watermark';
  readonly idColumn: string;
  readonly bucket: string | null;
  /** As JSON prints a bucket: all before it are closed. */
  readonly closedBefore: string | null;
  readonly latenessMs: number | null;
  readonly freshnessMs: number | null;
  /** Null: its first fill has not ended. */
  readonly filledAt: Date | null;
  readonly repairedAt: Date | null;
  /** The watermark. */
  readonly lastId: string;
  /** Rows that the next transaction takes at most; null: it is the first. */
  readonly batch: number | null;
  /** Ids between the watermark and the greatest, when the last batch had been taken. */
  readonly rowsBehind: number;
  readonly rowsPerSecond: number | null;
  /** Ids a second by which `rowsBehind` grew since the batch before; less than 0: it shrinks. */
  readonly growth: number | null;
  /** Ids in gaps. */
  readonly gapIds: number;
  readonly gapsSince: Date | null;
  /** Transactions that may still fill them, by virtual transaction id; one that is prepared has no pid. `sequence`: whoever draws them. */
  readonly holders: Readonly<Record<string, { readonly pid: number | null; readonly since: string | null }>>;
  /** Rows that came late, and for closed buckets, and rows that repairs put right: of the runs on record. */
  readonly late: number;
  readonly closedLate: number;
  readonly corrections: number;
  /** Rows for closed buckets that no backfill has taken up, and how many buckets they are for. */
  readonly waitingRows: number;
  readonly waitingBuckets: number;
  /** Its SQL; null: this role may not read it. */
  readonly definition: string | null;
}

/** All summaries by the id of their view. Reads only; none where the role may not read our tables, or nothing is installed. */
export async function readSummaryStandings(tx: Transaction): Promise<Map<number, SummaryStanding>> {
  const rows = await tx.rows<SummaryStanding>(summaryStandingsQuery);
  return new Map(rows.map((row) => [row.view, row]));
}

/** At the pace of the last batch, in ms; null: nothing is left, or it does not get less. Pure. */
export function catchUpMs({ rowsBehind, growth }: Pick<SummaryStanding, 'rowsBehind' | 'growth'>): number | null {
  return rowsBehind === 0 || growth === null || growth >= 0 ? null : Math.round((rowsBehind / -growth) * 1_000);
}
