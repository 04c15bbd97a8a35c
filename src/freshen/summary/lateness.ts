import type { MergeDefinition } from '../../catalog/definition/definition.js';
import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';
import { timeColumn } from './time-column.js';

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
  const column = await timeColumn(tx, { definition, bucketColumn: contract.bucket });
  const moment = `SELECT (pg_catalog.to_timestamp($1::pg_catalog.float8 / 1000) - coalesce($2::pg_catalog.interval, '0'))::${column.type} AS ${quoteIdentifier(column.name)}`;
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
