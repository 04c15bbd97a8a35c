import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adviseUniqueIndex, type UniqueIndexAdvice } from '../../src/catalog/unique-index.js';
import { Database } from '../../src/database/database.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let db: TestDatabase;
let database: Database;
let views = 0;

beforeAll(async () => {
  db = await createDatabase();
  database = new Database(db.url('worker'), 1);
  await db.app.query(`
    CREATE TABLE public.orders (id int PRIMARY KEY, region text, day date, amount int);
    INSERT INTO public.orders SELECT i, 'r' || i % 3, '2026-01-01'::date + i % 5, i FROM generate_series(1, 60) AS i;
    CREATE TABLE public.pairs (a int, b int, n int, UNIQUE (a, b));
    INSERT INTO public.pairs SELECT i / 2, i % 2, 7 FROM generate_series(1, 20) AS i;
    CREATE TABLE public.parent (id int PRIMARY KEY); CREATE TABLE public.child () INHERITS (public.parent);
    INSERT INTO public.parent VALUES (1); INSERT INTO public.child VALUES (1)`);
});
afterAll(async () => {
  await database.close();
  await db.drop();
});

async function advice(definition: string, before = ''): Promise<UniqueIndexAdvice | undefined> {
  views += 1;
  const view = `public.v_${views}`;
  await db.worker.query(`CREATE MATERIALIZED VIEW ${view} AS ${definition}; ${before.replaceAll('$', view)}`);
  const { rows: [row] } = await db.worker.query<{ oid: number }>(`SELECT oid FROM pg_catalog.pg_class WHERE relname = 'v_${views}'`);
  return database.transaction('look', (tx) => adviseUniqueIndex(tx, row?.oid ?? 0));
}

describe('the unique index that is advised takes the columns that the definition makes unique', () => {
  it.each([
    ['GROUP BY, wherever its columns stand', 'SELECT sum(amount) AS total, region, day FROM public.orders GROUP BY day, region', '"day", "region"'],
    ['GROUP BY by place, over a join', 'SELECT o.region, count(*) AS n FROM public.orders AS o JOIN public.pairs AS p ON p.a = o.id GROUP BY 1', '"region"'],
    ['DISTINCT', 'SELECT DISTINCT region, day FROM public.orders', '"region", "day"'],
    ['DISTINCT ON', 'SELECT DISTINCT ON (region) id, region FROM public.orders ORDER BY region, id DESC', '"region"'],
    ['one row', 'SELECT count(*) AS n FROM public.orders', '"n"'],
    ['a primary key that it shows under another name', 'SELECT region, id AS "Number" FROM public.orders WHERE amount > 5', '"Number"'],
    ['a unique index on two columns', 'SELECT n, b, a FROM public.pairs', '"a", "b"'],
  ])('%s', async (_what, definition, columns) => {
    const found = await advice(definition);
    expect(found).toMatchObject({ certainty: 'definition', statement: `CREATE UNIQUE INDEX ON public.v_${views} (${columns});` });
    await db.worker.query(found?.statement ?? '');
  });

  it('under the name that the column has now', async () => {
    const found = await advice('SELECT region, count(*) AS n FROM public.orders GROUP BY 1', 'ALTER MATERIALIZED VIEW $ RENAME COLUMN region TO "Where"');
    expect(found?.statement).toContain('("Where")');
  });
});

describe('where the definition does not tell', () => {
  const join = 'SELECT p.b, o.id FROM public.orders AS o JOIN public.pairs AS p ON p.a = o.id AND p.b = 1';

  it('a column that ANALYZE saw no value of twice', async () => {
    const found = await advice(join, 'ANALYZE $');
    expect(found).toMatchObject({ certainty: 'data', statement: `CREATE UNIQUE INDEX ON public.v_${views} ("id");` });
  });

  it.each([
    ['a join', join, '"b"'],
    ['a UNION ALL', 'SELECT region, 1 AS n FROM public.orders UNION ALL SELECT region, 2 FROM public.orders', '"region"'],
    ['grouped by what it does not show', 'SELECT sum(amount) AS total FROM public.orders GROUP BY region', '"total"'],
    ['grouping sets', 'SELECT region, day, count(*) AS n FROM public.orders GROUP BY ROLLUP (region, day)', '"region"'],
    ['a set-returning function', 'SELECT region, generate_series(1, 2) AS i FROM public.orders GROUP BY region', '"region"'],
    ['a key that it does not show whole', 'SELECT a, n FROM public.pairs', '"a"'],
    ['a parent whose children may repeat its keys', 'SELECT id FROM public.parent', '"id"'],
  ])('%s: a guess that says so', async (_what, definition, column) => {
    const found = await advice(definition);
    expect(found).toMatchObject({ certainty: 'guess', statement: `CREATE UNIQUE INDEX ON public.v_${views} (${column});` });
  });
});
