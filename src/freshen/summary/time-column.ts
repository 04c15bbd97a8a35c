import type { MergeDefinition } from '../../catalog/definition/definition.js';
import type { Transaction } from '../../database/database.js';

/** What of a summary tells its buckets from a row's time. */
interface BucketOf {
  readonly definition: MergeDefinition;
  readonly bucketColumn: string;
}

/** The column of the source that a summary's bucket begins, in which its rows can be found faster. */
export interface RawColumn {
  readonly name: string;
  /** As SQL writes it. */
  readonly type: string;
}

/** The column that the bucket's expression reads, which is a time. @throws when the source has it no longer */
export async function timeColumn(tx: Transaction, { definition, bucketColumn }: BucketOf): Promise<RawColumn> {
  const [name] = definition.columnsOf(bucketColumn);
  if (name === undefined) throw new Error(`Bucket ${bucketColumn} reads no column of ${definition.source.name}.`);
  const [column] = await tx.rows<{ type: string }>(
    `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute AS a
     WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2`,
    [definition.source.name, name],
  );
  if (column === undefined) throw new Error(`${definition.source.name} has no column ${name} any more.`);
  return { name, type: column.type };
}

/** The same, where a range of buckets is also one of that column; else undefined. */
export async function rawColumn(tx: Transaction, bucketed: BucketOf): Promise<RawColumn | undefined> {
  if (bucketed.definition.beginningOf(bucketed.bucketColumn) === undefined) return undefined;
  const column = await timeColumn(tx, bucketed);
  return /^(?:date|timestamp(?:\(\d\))? with(?:out)? time zone)$/.test(column.type) ? column : undefined;
}
