import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Refusal } from '../../../src/catalog/definition/definition.js';
import { checkDefinition, type CheckedDefinition } from '../../../src/catalog/definition/definition-check.js';
import { readDefinition } from '../../../src/catalog/definition/read-definition.js';
import { Database } from '../../../src/database/database.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';

let db: TestDatabase;
let database: Database;
let views = 0;

beforeAll(async () => {
  db = await createDatabase();
  database = new Database(db.url('worker'), 1);
  await db.app.query(`
    CREATE TYPE public.mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN public.cents AS numeric(12,2);
    CREATE TABLE public.t (id bigint PRIMARY KEY, at timestamptz, day date, span interval, k text, name varchar(20), fixed char(3),
      s smallint, i int, b bigint, n numeric, p numeric(12,2), c public.cents, f real, d double precision, m money,
      tags text[], mood public.mood, flag bool, u uuid, loose bpchar, j jsonb, bits bit(4), addr inet, clock timetz);
    CREATE TABLE public."Odd Table" (id int, "Column" text);
    CREATE TABLE public.parts (id bigint, k text) PARTITION BY LIST (k);
    CREATE TABLE public.secret (id int, k text);
    ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY;
    CREATE VIEW public.plain AS SELECT * FROM public.t;
    CREATE MATERIALIZED VIEW public.mv AS SELECT id, k FROM public.t;
    GRANT SELECT ON public.plain, public.mv TO ${db.roles.worker};
    CREATE FUNCTION public.price(k text) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.t AS x WHERE x.k = $1';
    CREATE FUNCTION public.pure(k text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper(k); END';`);
  await db.admin.query(`CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
  await db.app.query('ALTER TABLE public.t ADD COLUMN blind text COLLATE public.blind');
});
afterAll(async () => {
  await database.close();
  await db.drop();
});

/** The answer on a plain view of this definition. */
async function check(definition: string): Promise<CheckedDefinition | Refusal> {
  views += 1;
  const name = `public.d_${views}`;
  await db.worker.query(`CREATE VIEW ${name} AS ${definition}`);
  return database.transaction('look', async (tx) => {
    const [view] = await tx.rows<{ oid: number; sql: string }>(`SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) AS sql FROM pg_catalog.pg_class AS c WHERE c.oid = '${name}'::pg_catalog.regclass`);
    const reading = await readDefinition(view?.sql ?? '');
    if ('refusal' in reading) throw new Error(`it ${reading.refusal}, of ${view?.sql}`);
    return checkDefinition(tx, view?.oid ?? 0, reading.definition);
  });
}

describe('the catalog has nothing against', () => {
  it.each([
    ['a bucket of time, which depends on the time zone alone', `SELECT date_trunc('day', at) AS day, k, count(*) AS n, sum(b) AS total FROM public.t GROUP BY 1, 2`, []],
    ['sums and averages of every exact type', 'SELECT k, sum(s) AS s, sum(i) AS i, sum(b) AS b, sum(n) AS n, sum(c) AS c, avg(s) AS s2, avg(i) AS i2, avg(b) AS b2, avg(n) AS n2 FROM public.t GROUP BY k', []],
    ['sums of floats cast to numeric', 'SELECT k, sum(f::numeric) AS f, avg(d::numeric(20,4)) AS d FROM public.t GROUP BY k', []],
    ['extremes of what looks the same when it is equal', 'SELECT k, min(s) AS s, max(i) AS i, min(b) AS b, max(p) AS p, min(c::numeric(12,2)) AS c, max(n::numeric(9,1)) AS n, min(at) AS at, max(day) AS day, min(k) AS k2, max(name) AS name, min(fixed) AS fixed, max(mood) AS mood, min(clock) AS clock FROM public.t GROUP BY k', []],
    ['dimensions of many types', 'SELECT at, day, k, name, fixed, i, p, c, mood, flag, u, addr, count(*) AS n FROM public.t GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12', []],
    ['dimensions whose equal values look different, which it names', 'SELECT n, span, d, j, k, tags, extract(hour FROM at) AS h, loose, count(*) AS c FROM public.t GROUP BY 1, 2, 3, 4, 5, 6, 7, 8', ['n', 'span', 'd', 'j', 'tags', 'h', 'loose']],
    ['a partitioned table', 'SELECT k, count(*) AS n FROM public.parts GROUP BY k', []],
    ['an IMMUTABLE function', 'SELECT public.pure(k) AS k, count(*) AS n FROM public.t GROUP BY 1', []],
    ['a constant as a key', `SELECT 1 AS one, 'x' AS x, -1 AS minus, true AS yes, 1.5 AS half, NULL::text AS nothing, count(*) AS n FROM public.t GROUP BY 1, 2, 3, 4, 5, 6`, ['half']],
    ['odd names', 'SELECT "Column" AS "a ""key""", count(*) AS "n(" FROM public."Odd Table" AS "From" GROUP BY 1', []],
  ])('%s', async (_what, definition, manyImages) => {
    const checked = await check(definition);
    expect(checked).toEqual({ source: expect.any(Number) as number, manyImages });
  });

  it('the oid is that of the source', async () => {
    const { rows: [row] } = await db.admin.query<{ oid: number }>(`SELECT 'public.parts'::regclass::oid AS oid`);
    expect(await check('SELECT k, count(*) AS n FROM public.parts GROUP BY k')).toMatchObject({ source: row?.oid });
  });
});

describe('the catalog refuses', () => {
  it.each([
    ['SELECT k, count(*) AS n FROM public.t WHERE at > now() GROUP BY k', 'reads the clock by now()'],
    ['SELECT k, count(*) AS n FROM public.t WHERE day > current_date GROUP BY k', 'reads the clock by CURRENT_DATE'],
    ['SELECT k, count(*) FILTER (WHERE at > localtimestamp) AS n FROM public.t GROUP BY k', 'reads the clock by LOCALTIMESTAMP'],
    ['SELECT k, count(*) AS n FROM public.t WHERE at > clock_timestamp() GROUP BY k', 'reads the clock by clock_timestamp()'],
    ['SELECT k, count(*) AS n FROM public.t WHERE random() > 0.5 GROUP BY k', 'calls random(), which may return something else each time'],
    ['SELECT k, sum(public.price(k)) AS n FROM public.t GROUP BY k', 'calls public.price(), which is not IMMUTABLE and may read other tables'],
    ['SELECT unnest(tags) AS tag, count(*) AS n FROM public.t GROUP BY 1', 'calls unnest(), which makes several rows of one'],
    ['SELECT k, sum(f) AS f FROM public.t GROUP BY k', 'has f, sum() of real: its sum drifts with the order of the rows'],
    ['SELECT k, avg(d) AS f FROM public.t GROUP BY k', 'has f, avg() of double precision: its sum drifts with the order of the rows'],
    ['SELECT k, sum(span) AS f FROM public.t GROUP BY k', 'has f, sum() of interval, and sums are kept of whole numbers and numeric alone'],
    ['SELECT k, sum(m) AS f FROM public.t GROUP BY k', 'has f, sum() of money, and sums are kept of whole numbers and numeric alone'],
    ['SELECT k, min(n) AS f FROM public.t GROUP BY k', 'has f, min() of numeric, of which equal values may look different'],
    ['SELECT k, max(p + 1) AS f FROM public.t GROUP BY k', 'has f, max() of numeric, of which equal values may look different'],
    ['SELECT k, max(f) AS f FROM public.t GROUP BY k', 'has f, max() of real, of which equal values may look different'],
    ['SELECT k, max(span) AS f FROM public.t GROUP BY k', 'has f, max() of interval, of which equal values may look different'],
    ['SELECT k, max(loose) AS f FROM public.t GROUP BY k', 'has f, max() of bpchar, of which equal values may look different'],
    ['SELECT k, max(tags) AS f FROM public.t GROUP BY k', 'has f, max() of text[], of which equal values may look different'],
    ['SELECT k, max(blind) AS f FROM public.t GROUP BY k', 'has f under the collation public.blind, which makes different strings equal'],
    ['SELECT blind, count(*) AS n FROM public.t GROUP BY blind', 'has blind under the collation public.blind, which makes different strings equal'],
    ['SELECT bits, count(*) AS n FROM public.t GROUP BY bits', 'groups by bits of type bit(4), which has no equality that an index and a hash can use'],
    ['SELECT k, count(*) AS n FROM public.secret GROUP BY k', 'reads public.secret, whose row security shows each role other rows'],
    ['SELECT k, count(*) AS n FROM public.plain GROUP BY k', 'reads public.plain, a plain view'],
    ['SELECT k, count(*) AS n FROM public.mv GROUP BY k', 'reads public.mv, a materialized view, whose rows are not appended'],
    ['SELECT relkind, count(*) AS n FROM pg_catalog.pg_class GROUP BY 1', 'reads pg_catalog.pg_class, a relation of the system, on which nobody can create a trigger'],
  ])('%s', async (definition, refusal) => {
    const checked = await check(definition);
    expect(checked).toMatchObject({ refusal });
    expect('remedy' in checked && checked.remedy.length > 0).toBe(true);
  });

  it("an aggregate of the user's with the name of PostgreSQL's own, in a search_path before it", async () => {
    await db.app.query(`CREATE AGGREGATE public.max(public.mood) (sfunc = pg_catalog.enum_larger, stype = public.mood)`);
    await db.admin.query(`CREATE VIEW public.owned AS SELECT k, public.max(mood) AS m FROM public.t GROUP BY k; GRANT SELECT ON public.owned TO ${db.roles.worker}`);
    const checked = await database.transaction('look', async (tx) => {
      // As if the text had been printed under such a path.
      const reading = await readDefinition('SELECT k, max(mood) AS m FROM public.t GROUP BY k');
      if ('refusal' in reading) throw new Error(reading.refusal);
      const [view] = await tx.rows<{ oid: number }>(`SELECT 'public.owned'::pg_catalog.regclass::pg_catalog.oid AS oid`);
      return checkDefinition(tx, view?.oid ?? 0, reading.definition);
    });
    expect(checked).toMatchObject({ refusal: "has the aggregate public.max(), which is none of PostgreSQL's" });
  });
});
