import { quoteIdentifier } from '../../database/identifier.js';

/** Gaps in more pieces than this are no longer worth it: the watermark waits until there are fewer. */
export const mostFragments = 50_000;

/** Where a batch begins and how far it could go: the row of `reachSql`. Ids are texts, ranges as an `int8multirange` prints. */
export interface Reach {
  /** Rows whose ids lie in a gap, and that have become visible. */
  readonly found: number;
  /** Their ids, and no other. */
  readonly foundRanges: string;
  /** The greatest id that is visible; the watermark, when none lies beyond it. */
  readonly greatestId: string;
  /** Whether an index makes each id alone unique: then as many rows as ids mean that none is missing. */
  readonly isUnique: boolean;
}

/** What lies beyond the watermark, as far as a batch goes: the row of `countSql`. */
export interface Ahead {
  readonly fresh: number;
  /** The greatest of their ids; the watermark, when there are none. */
  readonly lastId: string;
}

/** Ids that a batch skips on its way: the row of `holesSql`. */
export interface Holes {
  readonly holes: string;
  /** Where the batch has to end, and after how many rows, because its ids are in too many pieces; null: they are not. */
  readonly endsAt: string | null;
  readonly endsAfter: number | null;
  /** The greatest id that is visible as far as one looked; null: none is. */
  readonly greatestId: string | null;
}

/**
 * SQL that looks into the gaps of an append-only table, at most as many rows as a batch takes, and how far its ids go. For
 * REPEATABLE READ, as are all the following: what it finds is what the merge reads.
 *
 * $1: gaps as int8multirange, $2: the watermark, $3: rows at most, $4: name of the source, $5: of its id column
 *
 * @returns the text; its one row is `Reach`
 */
export function reachSql(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `
WITH found AS MATERIALIZED (
  SELECT ${id}::pg_catalog.int8 AS id
  FROM pg_catalog.unnest($1::pg_catalog.int8multirange) AS g (ids)
  CROSS JOIN LATERAL (SELECT ${id} FROM ${source} AS s WHERE ${id} >= pg_catalog.lower(g.ids) AND ${id} < pg_catalog.upper(g.ids)) AS s
  LIMIT $3::pg_catalog.int4
), islands AS (
  -- Ids that follow on each other are one range: a range an id would be slow to unite.
  SELECT pg_catalog.int8range(min(r.id), max(r.id), '[]') AS ids
  FROM (SELECT f.id, f.id - pg_catalog.dense_rank() OVER (ORDER BY f.id) AS island FROM found AS f) AS r
  GROUP BY r.island
)
SELECT (SELECT count(*) FROM found) AS found,
       coalesce((SELECT pg_catalog.range_agg(i.ids) FROM islands AS i), '{}')::pg_catalog.text AS "foundRanges",
       greatest((SELECT max(${id}) FROM ${source} AS s), $2::pg_catalog.int8)::pg_catalog.text AS "greatestId",
       EXISTS (SELECT FROM pg_catalog.pg_index AS i
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = pg_catalog.to_regclass($4::pg_catalog.text) AND a.attname = $5::pg_catalog.text
                 AND i.indnkeyatts = 1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL) AS "isUnique"`.trim();
}

/**
 * SQL that counts the next rows in the order of their ids. Looking from row to row for ids that are missing (`holesSql`)
 * takes four times as long, and is asked for where a count does not prove that none is.
 *
 * $1: the watermark, $2: rows at most
 *
 * @returns the text; its one row is `Ahead`
 */
export function countSql(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `
SELECT count(*) AS fresh, coalesce(max(b.id), $1::pg_catalog.int8)::pg_catalog.text AS "lastId"
FROM (SELECT ${id}::pg_catalog.int8 AS id FROM ${source} AS s WHERE ${id} > $1::pg_catalog.int8 ORDER BY ${id} LIMIT $2::pg_catalog.int4) AS b`.trim();
}

/**
 * May ids be missing between the watermark and the end of a batch? Not where there is a row for each of them. Pure.
 *
 * @param lastId the watermark before the batch
 */
export function mayHaveHoles({ fresh, lastId: end }: Ahead, lastId: string, { isUnique }: Pick<Reach, 'isUnique'>): boolean {
  return end !== lastId && !(isUnique && BigInt(end) - BigInt(lastId) === BigInt(fresh));
}

/**
 * SQL that finds the ids that are missing between two. Where they are in too many pieces the batch ends before the first that
 * is one too many.
 *
 * $1: the watermark, $2: the id to which one looks, $3: fragments at most
 *
 * @returns the text; its one row is `Holes`
 */
export function holesSql(source: string, idColumn: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `
WITH holes AS (
  SELECT h.id, h.before, h.place, pg_catalog.row_number() OVER (ORDER BY h.id) AS number
  FROM (SELECT b.id, pg_catalog.lag(b.id, 1, $1::pg_catalog.int8) OVER w AS before, pg_catalog.row_number() OVER w AS place
        FROM (SELECT ${id}::pg_catalog.int8 AS id FROM ${source} AS s WHERE ${id} > $1::pg_catalog.int8 AND ${id} <= $2::pg_catalog.int8) AS b
        WINDOW w AS (ORDER BY b.id)) AS h
  WHERE h.id > h.before + 1
)
SELECT coalesce(pg_catalog.range_agg(pg_catalog.int8range(h.before + 1, h.id)) FILTER (WHERE h.number <= $3::pg_catalog.int4), '{}')::pg_catalog.text AS holes,
       max(h.before) FILTER (WHERE h.number = $3::pg_catalog.int4 + 1)::pg_catalog.text AS "endsAt",
       max(h.place) FILTER (WHERE h.number = $3::pg_catalog.int4 + 1) - 1 AS "endsAfter",
       (SELECT max(${id}) FROM ${source} AS s WHERE ${id} > $1::pg_catalog.int8 AND ${id} <= $2::pg_catalog.int8)::pg_catalog.text AS "greatestId"
FROM holes AS h`.trim();
}

/**
 * SQL of the rows that a batch takes: each once, since gaps lie at or below the watermark.
 *
 * $1: the watermark before, $2: after, $3: ids found in gaps, as int8multirange. Pure.
 */
export function batchRows(source: string, idColumn: string, hasFound: boolean): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  const beyond = `SELECT s.* FROM ${source} AS s WHERE ${id} > $1::pg_catalog.int8 AND ${id} <= $2::pg_catalog.int8`;
  if (!hasFound) return beyond;
  return `${beyond}
    UNION ALL
    SELECT s.* FROM pg_catalog.unnest($3::pg_catalog.int8multirange) AS g (ids)
    JOIN ${source} AS s ON ${id} >= pg_catalog.lower(g.ids) AND ${id} < pg_catalog.upper(g.ids)`;
}

/**
 * SQL of the rows that count as absorbed. $1: the watermark, $2: gaps as int8multirange. Pure.
 *
 * @param restriction a condition over the columns of `s`: other rows are left out
 */
export function absorbedRows(source: string, idColumn: string, restriction?: string): string {
  const id = `s.${quoteIdentifier(idColumn)}`;
  return `SELECT s.* FROM ${source} AS s
    WHERE ${id} <= $1::pg_catalog.int8 AND NOT (${id}::pg_catalog.int8 <@ $2::pg_catalog.int8multirange)${restriction === undefined ? '' : ` AND (${restriction})`}`;
}

/**
 * SQL that begins a watermark anew, where ids are given out once more (TRUNCATE ... RESTART IDENTITY): everything visible
 * counts as absorbed, and every id that is missing below it may still come.
 *
 * @returns the text; its one row has `lastId` and `holes`
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
