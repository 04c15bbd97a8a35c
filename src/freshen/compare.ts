import { quoteIdentifier } from '../database/identifier.js';

/**
 * Two sides to be compared: what a table (or materialized view) holds, and what a query returns now.
 *
 * Rows are compared by their **image**, `ROW(...)::text`: it is NULL-safe, exists for every type (json, point), and tells
 * numeric 1.0 from 1.00. It depends on the settings of the transaction, in the same way on both sides.
 */
export interface Sides {
  /** Quoted as needed and with its schema. */
  readonly table: string;
  /** A SELECT without a semicolon, with the names of the table's columns. May use parameters, as may `region`. */
  readonly now: string;
  /** Outside of it nothing is looked at, on either side: a condition over the compared columns by their names. Absent: all rows. */
  readonly region?: string | undefined;
}

export interface KeyedSides extends Sides {
  /** Columns that identify a row on both sides, at least one; the table has a unique index over just these, NULLS NOT DISTINCT. */
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** The row of `replaceRegionSql`: rows of the table. */
export interface Replaced {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** The row of `differencesSql`. */
export interface Differences {
  /** Rows of the table, in the region. */
  readonly held: number;
  /** Rows that the query returns and the table lacks, with their multiplicity. */
  readonly missing: number;
  /** Rows that the table holds and the query does not return, with their multiplicity. */
  readonly surplus: number;
  /** The first of them by their image, so that the two images of one key stand together. */
  readonly rows: readonly Difference[];
}

export interface Difference {
  readonly side: 'missing' | 'surplus';
  /** How many equal rows there are too few or too many. */
  readonly count: number;
  /** As `ROW(...)::text` prints it: see `readImage`. */
  readonly image: string;
}

/**
 * SQL that makes a table show what a query returns now, inside a region. One statement: it writes only rows that differ,
 * sets their `updated_at`, which is not compared, and counts them. Nothing in it is quadratic, whatever the planner
 * expects: it groups (NULL-safe, and hashed), a FULL JOIN is a hash or merge join, and what is written is found by index
 * or by place. Rows of one key are compared by the image of their values alone: which of several equal keys a row shows,
 * 1.0 or 1.00, is chance.
 *
 * For REPEATABLE READ: there a row that somebody else wrote meanwhile is error 40001, and not overwritten.
 *
 * @returns the text; its one row is `Replaced`
 */
export function replaceRegionSql({ table, keys, values, now, region }: KeyedSides): string {
  if (keys.length === 0) throw new Error(`${table} has no key, so that its rows cannot be told apart.`);
  const columns = [...keys, ...values].map(quoteIdentifier);
  // Names of our own: a column may be called ord, or place.
  const own = columns.map((_, index) => `c${index + 1}`);
  const ownKeys = own.slice(0, keys.length);
  const ownValues = own.slice(keys.length);
  const where = whereRegion(region);
  return `
WITH now (ord, ${list(own)}) AS MATERIALIZED (
  SELECT pg_catalog.row_number() OVER (), ${list(of('s', columns))}
  FROM (
${now}
  ) AS s${where}
), sides (ord, place, ${list(ownKeys)}, image) AS (
  SELECT n.ord, NULL::pg_catalog.tid, ${list(of('n', ownKeys))}, ${image(of('n', ownValues))} FROM now AS n
  UNION ALL
  SELECT NULL, s.ctid, ${list(of('s', columns.slice(0, keys.length)))}, ${image(of('s', columns.slice(keys.length)))} FROM ${table} AS s${where}
), compared AS (
  SELECT max(d.ord) AS ord, max(d.place) AS place
  FROM sides AS d
  GROUP BY ${list(of('d', ownKeys))}
  HAVING max(d.image) FILTER (WHERE d.place IS NULL) IS DISTINCT FROM max(d.image) FILTER (WHERE d.place IS NOT NULL)
), changes AS MATERIALIZED (
  SELECT c.ord, c.place, ${list(of('n', own))}
  FROM now AS n
  FULL JOIN compared AS c ON c.ord = n.ord
  -- Not strict, so that it stays a FULL JOIN: of an inner one the planner makes a nested loop when it expects few rows.
  WHERE coalesce(c.ord IS NOT NULL, false) OR coalesce(c.place IS NOT NULL, false)
), deleted AS (
  DELETE FROM ${table} AS s
  WHERE s.ctid = ANY (ARRAY(SELECT c.place FROM changes AS c WHERE c.ord IS NULL))
), written AS (
  INSERT INTO ${table} (${list(columns)}, updated_at)
  SELECT ${list(of('c', own))}, pg_catalog.now() FROM changes AS c WHERE c.ord IS NOT NULL
  ON CONFLICT (${list(columns.slice(0, keys.length))})
  DO UPDATE SET ${list([...columns, 'updated_at'].map((column) => `${column} = excluded.${column}`))}
)
SELECT count(*) FILTER (WHERE c.place IS NULL) AS inserted,
       count(*) FILTER (WHERE c.ord IS NOT NULL AND c.place IS NOT NULL) AS updated,
       count(*) FILTER (WHERE c.ord IS NULL) AS deleted
FROM changes AS c`.trim();
}

export interface ComparedSides extends Sides {
  /** Those that are compared, and make the image. */
  readonly columns: readonly string[];
  /** Columns that identify a row. Default: none do. */
  readonly keys?: readonly string[];
  /** Those of `keys` of which equal values may look different, so that which of them a row shows is chance. Default: none. */
  readonly manyImages?: readonly string[];
  /** How many different rows to return; all are counted. */
  readonly limit: number;
}

/**
 * SQL of how a table differs from what a query returns now, as multisets: neither side needs a key. It reads only.
 *
 * @returns the text; its one row is `Differences`
 */
export function differencesSql({ table, now, region, columns, keys = [], manyImages = [], limit }: ComparedSides): string {
  const where = whereRegion(region);
  const compared = of('s', columns.map(quoteIdentifier));
  // Names of our own: a column may be called held.
  const own = new Map(columns.map((column, index) => [column, `c${index + 1}`]));
  const names = (some: readonly string[]): string[] => some.flatMap((column) => own.get(column) ?? []);
  // Of what looks different by chance both sides show the same: the least look that any of the equal ones has.
  const shown = columns.map((column) => {
    const [name] = of('r', names([column]));
    return manyImages.includes(column)
      ? `min(${name}::pg_catalog.text COLLATE pg_catalog."C") OVER (PARTITION BY ${list(of('r', names(keys)))})` : String(name);
  });
  return `
WITH rows (${list(['held', ...names(columns)])}) AS (
  SELECT ${list(['false', ...compared])}
  FROM (
${now}
  ) AS s${where}
  UNION ALL
  SELECT ${list(['true', ...compared])} FROM ${table} AS s${where}
), sides (held, image) AS (
  SELECT r.held, ${image(shown)} FROM rows AS r
), compared AS MATERIALIZED (
  -- The rows that differ, and in the same pass the row of all.
  SELECT d.image, grouping(d.image) = 1 AS total,
         count(*) FILTER (WHERE d.held) AS held, count(*) FILTER (WHERE NOT d.held) - count(*) FILTER (WHERE d.held) AS lack
  FROM sides AS d
  GROUP BY GROUPING SETS ((d.image), ())
  HAVING grouping(d.image) = 1 OR count(*) FILTER (WHERE d.held) <> count(*) FILTER (WHERE NOT d.held)
)
SELECT t.held,
       coalesce((SELECT sum(c.lack) FROM compared AS c WHERE NOT c.total AND c.lack > 0), 0)::pg_catalog.int8 AS missing,
       coalesce((SELECT -sum(c.lack) FROM compared AS c WHERE NOT c.total AND c.lack < 0), 0)::pg_catalog.int8 AS surplus,
       (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                 'side', CASE WHEN f.lack > 0 THEN 'missing' ELSE 'surplus' END, 'count', pg_catalog.abs(f.lack), 'image', f.image)), '[]')
        FROM (SELECT c.lack, c.image FROM compared AS c WHERE NOT c.total
              ORDER BY c.image COLLATE pg_catalog."C", c.lack LIMIT ${limit}) AS f) AS rows
FROM compared AS t WHERE t.total`.trim();
}

/**
 * The values of an image, as texts. Source: PostgreSQL, record_out in rowtypes.c.
 *
 * @returns a value a column, and one of no columns at all, which prints like a single NULL; null is NULL
 */
export function readImage(text: string): (string | null)[] {
  const values = `,${text.slice(1, -1)}`.matchAll(/,(?:"((?:[^"\\]|""|\\\\)*)"|([^,"]*))/g);
  return [...values].map(([, quoted, bare = '']) => quoted?.replaceAll(/(["\\])\1/g, '$1') ?? (bare === '' ? null : bare));
}

function whereRegion(region: string | undefined): string {
  return region === undefined ? '' : ` WHERE (${region})`;
}

function image(columns: readonly string[]): string {
  return `ROW(${list(columns)})::pg_catalog.text`;
}

function of(alias: string, columns: readonly string[]): string[] {
  return columns.map((column) => `${alias}.${column}`);
}

function list(parts: readonly string[]): string {
  return parts.join(', ');
}
