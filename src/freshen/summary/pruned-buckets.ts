import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';
import { bucketLiteral } from './lateness.js';
import type { Bucketed } from './bucket-range.js';
import type { SummaryState } from './summary-state.js';
import { rawColumn } from './time-column.js';

/** Closed buckets that the source has no rows of any more: retention has deleted them, and only the summary remembers. */
export interface PrunedBuckets {
  /** Rows of the summary. */
  readonly rows: number;
  /** The first bucket that the source has rows of, as JSON prints it; null: it has no rows at all. */
  readonly before: string | null;
}

/** Those of a range. Undefined when there are none. */
export async function findPruned(
  tx: Transaction, { name, closedBefore }: Pick<SummaryState, 'name' | 'closedBefore'>, bucketed: Bucketed, { first, last }: { readonly first: string; readonly last: string },
): Promise<PrunedBuckets | undefined> {
  // Without a closed bucket a repair would have taken them away already.
  if (closedBefore === null) return undefined;
  const { definition: { source, selectDimension }, bucketColumn, bucketType } = bucketed;
  const column = await rawColumn(tx, bucketed);
  const rows = column === undefined ? `SELECT * FROM ${source.name}`
    : `SELECT min(s.${quoteIdentifier(column.name)}) AS ${quoteIdentifier(column.name)} FROM ${source.name} AS s`;
  const bucket = `t.${quoteIdentifier(bucketColumn)}`;
  const literal = (text: string): string => bucketLiteral(text, { bucketType });
  const [pruned] = await tx.rows<PrunedBuckets>(
    `WITH least AS MATERIALIZED (SELECT min(b.bucket) AS bucket FROM (${selectDimension(bucketColumn, rows)}) AS b)
     SELECT count(*) AS rows, (SELECT pg_catalog.to_jsonb(l.bucket) #>> '{}' FROM least AS l) AS before
     FROM ${name} AS t
     WHERE ${bucket} >= ${literal(first)} AND ${bucket} <= ${literal(last)} AND ${bucket} < ${literal(closedBefore)}
       AND ${bucket} < coalesce((SELECT l.bucket FROM least AS l), 'infinity')`,
  );
  return pruned === undefined || pruned.rows === 0 ? undefined : pruned;
}
