import { quoteIdentifier } from '../../database/identifier.js';

/** Gaps in more pieces than this are no longer worth it: the watermark waits until there are fewer. */
export const mostFragments = 50_000;

/** What a batch takes, and where it leaves the watermark. Ids are texts, ranges as an `int8multirange` prints. */
export interface Batch {
  /** Ids that lie in a gap, and have become visible. */
  readonly found: readonly string[];
  readonly foundRanges: string;
  /** Rows beyond the watermark. */
  readonly fresh: number;
  /** The greatest id that is absorbed now. */
  readonly lastId: string;
  /** Ids that were skipped on the way: a new gap. */
  readonly holes: string;
  /** Ids from there to the greatest that is visible: how much is left. */
  readonly idsBehind: number;
  /** Whether all gaps were looked into, and nothing visible is left beyond the watermark. */
  readonly complete: boolean;
}

/**
 * SQL that finds the next rows of an append-only table: those in the gaps first, then those beyond the watermark in the
 * order of their ids, together at most a batch. For REPEATABLE READ: what it finds is what the merge reads.
 *
 * $1: gaps as int8multirange, $2: the watermark, $3: rows at most, $4: new fragments at most
 *
 * @returns the text; its one row is `Batch`
 */
export function nextBatchSql(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `
WITH found AS MATERIALIZED (
  SELECT ${id}::pg_catalog.int8 AS id
  FROM pg_catalog.unnest($1::pg_catalog.int8multirange) AS g (ids)
  CROSS JOIN LATERAL (SELECT ${id} FROM ${source} AS s WHERE ${id} >= pg_catalog.lower(g.ids) AND ${id} < pg_catalog.upper(g.ids)) AS s
  LIMIT $3::pg_catalog.int4
), beyond AS MATERIALIZED (
  SELECT ${id}::pg_catalog.int8 AS id FROM ${source} AS s
  WHERE ${id} > $2::pg_catalog.int8
  ORDER BY ${id}
  LIMIT $3::pg_catalog.int4 - (SELECT count(*) FROM found)
), steps AS (
  SELECT b.id, pg_catalog.lag(b.id, 1, $2::pg_catalog.int8) OVER (ORDER BY b.id) AS before FROM beyond AS b
), taken AS MATERIALIZED (
  SELECT t.id, t.before
  FROM (SELECT s.id, s.before, count(*) FILTER (WHERE s.id > s.before + 1) OVER (ORDER BY s.id) AS fragments FROM steps AS s) AS t
  WHERE t.fragments <= $4::pg_catalog.int4
)
SELECT coalesce((SELECT pg_catalog.array_agg(f.id::pg_catalog.text) FROM found AS f), '{}') AS found,
       coalesce((SELECT pg_catalog.range_agg(pg_catalog.int8range(f.id, f.id, '[]')) FROM found AS f), '{}')::pg_catalog.text AS "foundRanges",
       (SELECT count(*) FROM taken) AS fresh,
       coalesce((SELECT max(t.id) FROM taken AS t), $2::pg_catalog.int8)::pg_catalog.text AS "lastId",
       coalesce((SELECT pg_catalog.range_agg(pg_catalog.int8range(t.before + 1, t.id)) FROM taken AS t WHERE t.id > t.before + 1), '{}')::pg_catalog.text AS holes,
       (SELECT count(*) FROM found) + (SELECT count(*) FROM beyond) < $3::pg_catalog.int4
         AND (SELECT count(*) FROM taken) = (SELECT count(*) FROM beyond) AS complete,
       coalesce(greatest(0, (SELECT max(${id}) FROM ${source} AS s) - coalesce((SELECT max(t.id) FROM taken AS t), $2::pg_catalog.int8)), 0) AS "idsBehind"`.trim();
}

/** SQL of the rows that a batch takes. $1: the watermark before, $2: after, $3: ids found in gaps. Pure. */
export function batchRows(source: string, idColumn: string, hasFound: boolean): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  const beyond = `${id} > $1::pg_catalog.int8 AND ${id} <= $2::pg_catalog.int8`;
  return `SELECT s.* FROM ${source} AS s WHERE ${hasFound ? `(${beyond}) OR ${id} = ANY ($3::pg_catalog.int8[])` : beyond}`;
}

/** SQL of the rows that count as absorbed. $1: the watermark, $2: gaps as int8multirange. Pure. */
export function absorbedRows(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `SELECT s.* FROM ${source} AS s
    WHERE ${id} <= $1::pg_catalog.int8 AND NOT (${id}::pg_catalog.int8 <@ $2::pg_catalog.int8multirange)`;
}

/**
 * SQL that begins a watermark anew, where ids are given out once more (TRUNCATE ... RESTART IDENTITY): everything visible
 * counts as absorbed, and every id that is missing below it may still come.
 *
 * @returns the text; its one row has `lastId` and `holes`, as in `Batch`
 */
export function watermarkAnewSql(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `
WITH steps AS (
  SELECT x.id, pg_catalog.lag(x.id, 1, least(0, x.id - 1)) OVER (ORDER BY x.id) AS before
  FROM (SELECT ${id}::pg_catalog.int8 AS id FROM ${source} AS s) AS x
)
SELECT coalesce(max(t.id), 0)::pg_catalog.text AS "lastId",
       coalesce(pg_catalog.range_agg(pg_catalog.int8range(t.before + 1, t.id)) FILTER (WHERE t.id > t.before + 1), '{}')::pg_catalog.text AS holes
FROM steps AS t`.trim();
}
