import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { findClockedViews } from '../../src/catalog/unwritten-change.js';
import { Database } from '../../src/database/database.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let db: TestDatabase;
let database: Database;
let views = 0;

beforeAll(async () => {
  db = await createDatabase();
  database = new Database(db.url('worker'), 1);
  await db.app.query('CREATE TABLE public.t (id int PRIMARY KEY, at timestamptz, n int, label text, fake text)');
  await db.app.query(`
    CREATE TABLE public.events (id int, region text) PARTITION BY LIST (region);
    CREATE FUNCTION public.total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(n) FROM public.t';
    CREATE FUNCTION public.careless(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
    CREATE FUNCTION public.pure(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a + 1; END';
    CREATE FUNCTION public.careless_step(a int, b int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
    CREATE AGGREGATE public.careless_sum(int) (sfunc = public.careless_step, stype = int, initcond = '0');
    CREATE FUNCTION public.careless_less(a text, b int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
    CREATE OPERATOR public.<~ (leftarg = text, rightarg = int, function = public.careless_less);
    CREATE VIEW public.recent AS SELECT id FROM public.t WHERE at > now() - interval '1 day';
    GRANT SELECT ON public.recent TO ${db.roles.worker}`);
  await db.admin.query(`
    CREATE EXTENSION IF NOT EXISTS file_fdw;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE public."Rates" (n int) SERVER files OPTIONS (filename '/dev/null');
    CREATE FOREIGN TABLE public.events_far PARTITION OF public.events FOR VALUES IN ('far') SERVER files OPTIONS (filename '/dev/null');
    GRANT SELECT ON public."Rates", public.events_far TO ${db.roles.worker}`).catch((error: unknown) => {
    console.log(`Views over foreign tables are not tried: ${String(error)}`);
  });
});

afterAll(async () => {
  await database.close();
  await db.drop();
});

/** Why a view of this definition changes without a write. */
async function reasons(definition: string): Promise<readonly string[]> {
  views += 1;
  const { rows } = await db.worker.query<{ oid: number }[]>(
    `CREATE MATERIALIZED VIEW public.v_${views} AS ${definition} WITH NO DATA`,
  ).then(() => db.worker.query<{ oid: number }>(`SELECT 'public.v_${views}'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8::pg_catalog.int4 AS oid`));
  const oid = rows[0]?.oid ?? 0;
  const found = await database.transaction('look', (tx) => findClockedViews(tx, [oid]));
  expect(found.every((view) => view.oid === oid)).toBe(true);
  return found[0]?.because ?? [];
}

describe('a view that changes without a write is told, with the reason', () => {
  it.each([
    ['now()', 'SELECT id FROM public.t WHERE at > now() - interval \'1 day\'', 'reads the clock by now()'],
    ['CURRENT_DATE', 'SELECT count(*) AS n, current_date AS d FROM public.t', 'reads the clock by CURRENT_DATE'],
    ['CURRENT_TIMESTAMP(0)', 'SELECT current_timestamp(0) AS d', 'reads the clock by CURRENT_TIMESTAMP'],
    ['LOCALTIMESTAMP', 'SELECT localtimestamp AS d', 'reads the clock by LOCALTIMESTAMP'],
    ['clock_timestamp()', 'SELECT clock_timestamp() AS d', 'reads the clock by clock_timestamp()'],
    ['age() from today', 'SELECT age(at) AS d FROM public.t', 'reads the clock by age()'],
    ['random()', 'SELECT id FROM public.t ORDER BY random() LIMIT 3', 'calls random(), which may return something else each time'],
    ['a function that reads a table', 'SELECT public.total() AS n', 'calls public.total(), which is not IMMUTABLE and may read other tables'],
    ['a function declared without a volatility', 'SELECT public.careless(n) AS n FROM public.t', 'calls public.careless(), which is not IMMUTABLE and may read other tables'],
    ['an aggregate made of one', 'SELECT public.careless_sum(n) AS n FROM public.t', 'calls public.careless_step(), which is not IMMUTABLE and may read other tables'],
    ['an operator made of one', 'SELECT id FROM public.t WHERE label OPERATOR(public.<~) n', 'calls public.careless_less(), which is not IMMUTABLE and may read other tables'],
    ['a function in FROM', 'SELECT * FROM public.careless(1) AS f', 'calls public.careless(), which is not IMMUTABLE and may read other tables'],
    ['in a subquery', 'SELECT id FROM public.t WHERE EXISTS (WITH c AS (SELECT now() AS at) SELECT FROM c WHERE c.at > t.at)', 'reads the clock by now()'],
    ['through a plain view', 'SELECT id FROM public.recent', 'reads the clock by now()'],
    ['a random sample', 'SELECT id FROM public.t TABLESAMPLE bernoulli (10)', 'takes a random sample of a table (TABLESAMPLE without REPEATABLE)'],
    ['a system catalog', 'SELECT count(*) AS n FROM pg_catalog.pg_class', 'reads pg_catalog.pg_class, on which nobody can create a trigger'],
    ['a system view', 'SELECT count(*) AS n FROM information_schema.tables', 'reads information_schema.tables, on which nobody can create a trigger'],
  ])('%s', async (_what, definition, reason) => {
    expect(await reasons(definition)).toEqual([reason]);
  });

  it('a foreign table, by itself and as a partition', async (context) => {
    const { rows } = await db.admin.query("SELECT FROM pg_catalog.pg_foreign_server WHERE srvname = 'files'");
    if (rows.length === 0) context.skip('file_fdw is not installed on this server');
    expect(await reasons('SELECT n FROM public."Rates"')).toEqual(['reads the foreign table public."Rates", whose changes nobody records']);
    expect(await reasons('SELECT id FROM public.events')).toEqual(['reads the foreign table public.events_far, whose changes nobody records']);
  });

  it('each reason once, and all of them', async () => {
    expect(await reasons('SELECT now() AS a, now() AS b, random() AS c, current_date AS d')).toEqual([
      'reads the clock by CURRENT_DATE', 'reads the clock by now()', 'calls random(), which may return something else each time',
    ]);
  });
});

describe('a view that changes by writes alone is not', () => {
  it.each([
    ['what depends on settings, which stay the same', "SELECT date_trunc('day', at) AS day, to_char(at, 'YYYY') AS y, concat(n, label) AS c, count(*) AS n FROM public.t GROUP BY 1, 2, 3"],
    ['age() between two columns', 'SELECT age(at, at) AS a FROM public.t'],
    ['a function declared IMMUTABLE', 'SELECT public.pure(n) AS n FROM public.t'],
    ['who and where', 'SELECT current_user AS u, current_database() AS d, session_user AS s'],
    ['a sample that is the same each time', 'SELECT id FROM public.t TABLESAMPLE bernoulli (10) REPEATABLE (1)'],
    ['names and texts that look like a function call', `SELECT 'now()' AS "{FUNCEXPR :funcid 1299 ", '{SQLVALUEFUNCTION :op 0 ' AS b FROM public.t`],
    ['a window', 'SELECT id, row_number() OVER (ORDER BY id) AS r, sum(n) OVER () AS s FROM public.t'],
  ])('%s', async (_what, definition) => {
    expect(await reasons(definition)).toEqual([]);
  });
});
