import type { MergeDefinition } from '../../catalog/definition/definition.js';
import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';

/** When a summary's buckets close: see `summary` in the migration. */
export interface LatenessContract {
  readonly bucket: string;
  /** As SQL writes it: 'timestamp with time zone'. */
  readonly bucketType: string;
  /** As PostgreSQL prints an interval; null: no bucket is ever closed. */
  readonly lateness: string | null;
}

/**
 * The bucket that a moment falls into: all before it have ended by then. What the definition says of a row's time is asked
 * of that moment, so that the width of a bucket need not be known.
 *
 * @param atMs ms since 1970
 * @param less an interval to take off, as PostgreSQL prints it
 * @param atLeast a bucket as JSON prints it: the later of the two is returned
 * @returns the bucket as JSON prints it
 */
export async function bucketAt(
  tx: Transaction, definition: MergeDefinition, contract: LatenessContract, atMs: number, { less = null, atLeast = null }: { readonly less?: string | null; readonly atLeast?: string | null } = {},
): Promise<string> {
  const [column] = definition.columnsOf(contract.bucket);
  if (column === undefined) throw new Error(`Bucket ${contract.bucket} reads no column of ${definition.source.name}.`);
  const [type] = await tx.rows<{ type: string }>(
    `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute AS a
     WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2`,
    [definition.source.name, column],
  );
  if (type === undefined) throw new Error(`${definition.source.name} has no column ${column} any more.`);
  const moment = `SELECT (pg_catalog.to_timestamp($1::pg_catalog.float8 / 1000) - coalesce($2::pg_catalog.interval, '0'))::${type.type} AS ${quoteIdentifier(column)}`;
  const [row] = await tx.rows<{ bucket: string }>(
    `SELECT pg_catalog.to_jsonb(greatest(m.bucket, $3::${contract.bucketType})) #>> '{}' AS bucket
     FROM (${definition.selectDimension(contract.bucket, moment)}) AS m`,
    [atMs, less, atLeast],
  );
  if (row === undefined) throw new Error(`The bucket of a moment was not to be had.`);
  return row.bucket;
}

/** SQL of a bucket that JSON printed. */
export function bucketLiteral(text: string, { bucketType }: Pick<LatenessContract, 'bucketType'>): string {
  return `'${text.replaceAll("'", "''")}'::${bucketType}`;
}

/** SQL of the open buckets: a condition over the summary's columns. A bucket that is NULL is never closed. */
export function openRegion(contract: Pick<LatenessContract, 'bucket' | 'bucketType'>, closedBefore: string): string {
  const bucket = quoteIdentifier(contract.bucket);
  return `${bucket} >= ${bucketLiteral(closedBefore, contract)} OR ${bucket} IS NULL`;
}
