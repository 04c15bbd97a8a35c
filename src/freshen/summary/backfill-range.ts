import { UsageError } from '../../config/usage-error.js';
import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';
import { sqlstateOf } from '../../database/sqlstate.js';
import { bucketLiteral } from './lateness.js';
import { margin, type Bucketed } from './bucket-range.js';
import { rawColumn, timeColumn, type RawColumn } from './time-column.js';

/** The buckets that somebody wants recomputed, as JSON prints them. */
export interface WantedRange {
  readonly first: string;
  readonly last: string;
  /** A time after all rows of the last, as `BucketRange`. */
  readonly endsBy: string | undefined;
}

/** Where a batch may end: before this bucket. */
export interface Cut {
  readonly bucket: string;
  readonly endsBy: string | undefined;
}

interface Moment {
  readonly at: string;
  readonly finite: boolean;
  readonly future: boolean;
}

/**
 * The buckets that touch a range of time: from the one in which `from` lies to the one just before `to`.
 *
 * @param from as SQL reads a time: '2026-01-01', '2026-01-01 06:00+02'
 * @param to undefined: until now
 * @throws UsageError for what is no time, and for a range that is reversed or in the future
 */
export async function wantedRange(tx: Transaction, bucketed: Bucketed, from: string, to: string | undefined): Promise<WantedRange> {
  const column = await timeColumn(tx, bucketed);
  const start = await readMoment(tx, column, '--from', from);
  if (start.future) throw new UsageError(`--from ${from} lies in the future: there is nothing to recompute yet`);
  const end = to === undefined ? undefined : await readMoment(tx, column, '--to', to);
  if (end?.future === true) throw new UsageError(`--to ${String(to)} lies in the future: leave it out to recompute all up to now`);
  const [order] = await tx.rows<{ reversed: boolean; latest: string }>(
    `SELECT coalesce($1::${column.type} >= $2::${column.type}, false) AS reversed,
            pg_catalog.to_jsonb(coalesce(($2::${column.type} - interval '1 microsecond')::${column.type}, pg_catalog.now()::${column.type})) #>> '{}' AS latest`,
    [start.at, end?.at ?? null],
  );
  if (order === undefined || order.reversed) throw new UsageError(`--from ${from} is not before --to ${String(to)}: the range ends where it begins, or earlier`);
  const latest = bucketLiteral(order.latest, { bucketType: column.type });
  const last = await bucketOf(tx, bucketed, column, latest);
  return { first: await bucketOf(tx, bucketed, column, bucketLiteral(start.at, { bucketType: column.type })), last, endsBy: await endOf(tx, bucketed, latest, last) };
}

async function readMoment(tx: Transaction, column: RawColumn, option: string, text: string): Promise<Moment> {
  const refusal = new UsageError(`${option} ${text} is no time: write 2026-01-01, or '2026-01-01 06:00'`);
  const [moment] = await tx.rows<Moment>(
    `SELECT pg_catalog.to_jsonb(m.at) #>> '{}' AS at, pg_catalog.isfinite(m.at) AS finite, m.at > pg_catalog.now()::${column.type} AS future
     FROM (SELECT $1::${column.type} AS at) AS m`,
    [text],
  ).catch((error: unknown) => {
    throw ['22007', '22008', '22009', '22023'].includes(sqlstateOf(error) ?? '') ? refusal : error;
  });
  if (moment?.finite !== true) throw refusal;
  return moment;
}

async function bucketOf(tx: Transaction, { definition, bucketColumn }: Bucketed, column: RawColumn, moment: string): Promise<string> {
  const [row] = await tx.rows<{ bucket: string | null }>(
    `SELECT pg_catalog.to_jsonb(b.bucket) #>> '{}' AS bucket
     FROM (${definition.selectDimension(bucketColumn, `SELECT ${moment} AS ${quoteIdentifier(column.name)}`)}) AS b`,
  );
  if (row === undefined || row.bucket === null) throw new Error('The bucket of a moment was not to be had.');
  return row.bucket;
}

/** A time that lies in a later bucket, soon after a moment of this one. */
async function endOf(tx: Transaction, bucketed: Bucketed, moment: string, bucket: string): Promise<string | undefined> {
  const column = await rawColumn(tx, bucketed);
  if (column === undefined) return undefined;
  const { definition, bucketColumn } = bucketed;
  const [end] = await tx.rows<{ at: string }>(
    `SELECT pg_catalog.to_jsonb(m.at) #>> '{}' AS at
     FROM (SELECT (${moment} + w.width)::${column.type} AS at
           FROM pg_catalog.unnest('{1 minute,1 hour,1 day,32 days,367 days,4000 days}'::pg_catalog.interval[]) AS w (width)) AS m
     CROSS JOIN LATERAL (${definition.selectDimension(bucketColumn, `SELECT m.at AS ${quoteIdentifier(column.name)}`)}) AS b
     WHERE b.bucket > ${bucketLiteral(bucket, bucketed)}
     ORDER BY m.at LIMIT 1`,
  );
  return end?.at;
}

/**
 * The buckets that the summary shows, or late rows have come for, from `first` to `last`: the places where a batch may end.
 * Buckets that only the source has lie between them.
 */
export async function readCuts(
  tx: Transaction, view: number, table: string, bucketed: Bucketed, { first, last }: Pick<WantedRange, 'first' | 'last'>, limit: number,
): Promise<Cut[]> {
  const column = await rawColumn(tx, bucketed);
  const { definition, bucketColumn, bucketType } = bucketed;
  // Where somebody has written a bucket that begins nothing, rows of the one before it may lie any time after it.
  const later = column === undefined ? undefined
    : definition.selectDimension(bucketColumn, `SELECT (c.bucket + ${margin})::${column.type} AS ${quoteIdentifier(column.name)}`);
  return (await tx.rows<{ bucket: string; endsBy: string | null }>(
    `SELECT pg_catalog.to_jsonb(c.bucket) #>> '{}' AS bucket,
            ${column === undefined ? 'NULL' : `CASE WHEN e.bucket >= c.bucket THEN pg_catalog.to_jsonb(c.bucket::${column.type}) #>> '{}' END`} AS "endsBy"
     FROM (${knownBuckets(table, bucketColumn, bucketType, 'ORDER BY 1 LIMIT $4::pg_catalog.int4')} ORDER BY 1 LIMIT $4::pg_catalog.int4) AS c (bucket)
     ${later === undefined ? '' : `CROSS JOIN LATERAL (${later}) AS e`}
     ORDER BY c.bucket`,
    [view, first, last, limit],
  )).map(({ bucket, endsBy }) => ({ bucket, endsBy: endsBy ?? undefined }));
}

/** How many such buckets there are. */
export async function countBuckets(
  tx: Transaction, view: number, table: string, { bucketColumn, bucketType }: Bucketed, { first, last }: Pick<WantedRange, 'first' | 'last'>,
): Promise<number> {
  const [row] = await tx.rows<{ buckets: number }>(`SELECT count(*) AS buckets FROM (${knownBuckets(table, bucketColumn, bucketType, '')}) AS c`, [view, first, last]);
  return row?.buckets ?? 0;
}

/** $1: view id, $2 and $3: the first and the last. */
function knownBuckets(table: string, bucketColumn: string, bucketType: string, limit: string): string {
  const bucket = `t.${quoteIdentifier(bucketColumn)}`;
  const late = `b.bucket::${bucketType}`;
  return `(SELECT DISTINCT ${bucket} FROM ${table} AS t WHERE ${bucket} >= $2::${bucketType} AND ${bucket} <= $3::${bucketType} ${limit})
    UNION
    (SELECT DISTINCT ${late} FROM refresh_listener.late_bucket AS b
     WHERE b.view = $1 AND ${late} >= $2::${bucketType} AND ${late} <= $3::${bucketType} ${limit})`;
}
