import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { differencesSql, readImage, replaceRegionSql, type Differences, type Replaced } from '../../src/freshen/compare.js';
import { valueOf } from '../worker/scene.js';

const client = new pg.Client(inject('adminUrl'));
beforeAll(() => client.connect());
afterAll(() => client.end());
// Each test's own: of a temporary table nothing is left behind, and the empty search_path finds forgotten schemas.
beforeEach(async () => {
  await client.query('DISCARD ALL');
  await client.query("SET search_path = ''; SET extra_float_digits = 1");
});

/** `pg` reads bigints as texts. */
function numbers<T extends object>(row: T | undefined): T {
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, typeof value === 'string' ? Number(value) : value])) as T;
}

describe('replaceRegion', () => {
  // Names that the statement uses itself, and types without an equality.
  const sides = {
    table: 'pg_temp.summary', keys: ['ord', 'Odd "key"'], values: ['place', 'c1', 'image', 'total'], now: 'SELECT * FROM pg_temp.truth',
  };
  const columns = '(ord int, "Odd ""key""" text, place numeric, c1 json, image point, total bigint';

  async function replace(region?: string, parameters: readonly unknown[] = []): Promise<Replaced> {
    const { rows } = await client.query<Replaced>(replaceRegionSql({ ...sides, region }), [...parameters]);
    return numbers(rows[0]);
  }

  async function shown(): Promise<unknown[]> {
    const { rows } = await client.query<{ row: string }>('SELECT ROW(ord, "Odd ""key""", place, c1, image, total)::text AS row FROM pg_temp.summary ORDER BY 1');
    return rows.map(({ row }) => row);
  }

  async function truth(): Promise<unknown[]> {
    const { rows } = await client.query<{ row: string }>('SELECT t::text AS row FROM pg_temp.truth AS t ORDER BY 1');
    return rows.map(({ row }) => row);
  }

  beforeEach(async () => {
    await client.query(`
      CREATE TEMP TABLE truth ${columns});
      CREATE TEMP TABLE summary ${columns}, updated_at timestamptz NOT NULL, UNIQUE NULLS NOT DISTINCT (ord, "Odd ""key"""));
      INSERT INTO pg_temp.truth VALUES
        (1, 'a', 1.0, '{"a": 1}', '(1,2)', 1), (1, NULL, NULL, NULL, NULL, 2), (NULL, 'a', 0, '[]', '(0,0)', 3), (NULL, NULL, 'NaN', 'null', NULL, 4),
        (2, '', 1, '1', NULL, 5)`);
  });

  it('fills an empty table, and then finds nothing to write', async () => {
    expect(await replace()).toEqual({ inserted: 5, updated: 0, deleted: 0 });
    expect(await shown()).toEqual(await truth());
    expect(await replace()).toEqual({ inserted: 0, updated: 0, deleted: 0 });
  });

  it('writes and counts what differs, and touches no other row', async () => {
    await replace();
    await client.query(`
      UPDATE pg_temp.summary SET updated_at = '2000-01-01';
      UPDATE pg_temp.truth SET place = 1.00 WHERE ord = 1 AND "Odd ""key""" = 'a';
      UPDATE pg_temp.truth SET c1 = '{"a":1}' WHERE ord IS NULL AND "Odd ""key""" = 'a';
      UPDATE pg_temp.truth SET image = '(1,1)' WHERE ord IS NULL AND "Odd ""key""" IS NULL;
      DELETE FROM pg_temp.truth WHERE ord = 1 AND "Odd ""key""" IS NULL;
      INSERT INTO pg_temp.truth VALUES (2, NULL, 7, NULL, NULL, 7)`);
    expect(await replace()).toEqual({ inserted: 1, updated: 3, deleted: 1 });
    expect(await shown()).toEqual(await truth());
    expect(await valueOf(client, `SELECT count(*)::int FROM pg_temp.summary WHERE updated_at = '2000-01-01'`)).toBe(1);
  });

  it('leaves a key as it is that is equal and only looks different', async () => {
    await client.query(`
      CREATE TEMP TABLE scaled (k numeric UNIQUE NULLS NOT DISTINCT, n int, updated_at timestamptz NOT NULL);
      INSERT INTO pg_temp.scaled VALUES (1.0, 1, now()), (2, 2, now())`);
    const sql = replaceRegionSql({ table: 'pg_temp.scaled', keys: ['k'], values: ['n'], now: 'SELECT 1.00 AS k, 1 AS n UNION ALL SELECT 2, 3' });
    expect(numbers((await client.query<Replaced>(sql)).rows[0])).toEqual({ inserted: 0, updated: 1, deleted: 0 });
    expect(await valueOf(client, 'SELECT array_agg(k::text || n ORDER BY k) FROM pg_temp.scaled')).toEqual(['1.01', '23']);
  });

  it('looks at nothing outside its region, on either side', async () => {
    await replace();
    await client.query(`
      UPDATE pg_temp.truth SET total = total + 10 WHERE ord IS NOT NULL;
      INSERT INTO pg_temp.truth VALUES (3, 'new', 0, NULL, NULL, 0);
      DELETE FROM pg_temp.truth WHERE ord IS NULL`);
    expect(await replace('ord = ANY ($1) OR ord IS NULL', [[1]])).toEqual({ inserted: 0, updated: 2, deleted: 2 });
    expect(await valueOf(client, 'SELECT array_agg(total ORDER BY total)::text[] FROM pg_temp.summary')).toEqual(['5', '11', '12']);
    expect(await replace('ord > $1', [1])).toEqual({ inserted: 1, updated: 1, deleted: 0 });
    expect(await shown()).toEqual(await truth());
  });

  it('has no step that is quadratic, also where the planner expects a row or two', async () => {
    await client.query(`
      INSERT INTO pg_temp.truth (ord, "Odd ""key""") SELECT i, 'x' FROM generate_series(100, 3000) AS i;
      ANALYZE pg_temp.truth; ANALYZE pg_temp.summary;
      UPDATE pg_catalog.pg_class SET reltuples = 0 WHERE oid IN ('pg_temp.truth'::regclass, 'pg_temp.summary'::regclass)`);
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${replaceRegionSql(sides)}`);
    const plan = JSON.stringify(rows);
    expect(plan).toMatch(/"Join Type":"Full"/);
    expect(plan).not.toContain('Nested Loop');
    expect(await replace()).toEqual({ inserted: 2906, updated: 0, deleted: 0 });
  });
});

describe('differences', () => {
  async function differences(table: string, now: string, { columns = ['a', 'b'], limit = 10, region }: { columns?: string[]; limit?: number; region?: string } = {}): Promise<Differences> {
    const { rows } = await client.query<Differences>(differencesSql({ table, now, columns, limit, region }));
    return numbers(rows[0]);
  }

  beforeEach(() => client.query(`CREATE TEMP TABLE held (a numeric, b text)`));

  it('are none between two empty sides, nor between equal ones in another order', async () => {
    expect(await differences('pg_temp.held', 'SELECT 1 AS a, NULL AS b WHERE false')).toEqual({ held: 0, missing: 0, surplus: 0, rows: [] });
    await client.query(`INSERT INTO pg_temp.held VALUES (1, NULL), (NULL, ''), (1, NULL)`);
    expect(await differences('pg_temp.held', `SELECT * FROM (VALUES (NULL::numeric, ''), (1, NULL), (1, NULL)) AS v (a, b)`)).toEqual({
      held: 3, missing: 0, surplus: 0, rows: [],
    });
  });

  it('count equal rows, and tell NULL from an empty text and 1.0 from 1.00', async () => {
    await client.query(`INSERT INTO pg_temp.held VALUES (1.0, 'x'), (2, 'twice'), (2, 'twice'), (2, 'twice'), (3, NULL)`);
    const now = `SELECT * FROM (VALUES (1.00, 'x'), (2, 'twice'), (3, ''), (4, 'new'), (4, 'new')) AS v (a, b)`;
    expect(await differences('pg_temp.held', now)).toEqual({
      held: 5, missing: 4, surplus: 4,
      rows: [
        { side: 'surplus', count: 1, image: '(1.0,x)' },
        { side: 'missing', count: 1, image: '(1.00,x)' },
        { side: 'surplus', count: 2, image: '(2,twice)' },
        { side: 'missing', count: 1, image: '(3,"")' },
        { side: 'surplus', count: 1, image: '(3,)' },
        { side: 'missing', count: 2, image: '(4,new)' },
      ],
    });
  });

  it('are counted beyond the limit, and looked for in the region alone', async () => {
    await client.query('INSERT INTO pg_temp.held SELECT i, NULL FROM generate_series(1, 1000) AS i');
    const now = 'SELECT i::numeric AS a, NULL AS b FROM generate_series(501, 2000) AS i';
    expect(await differences('pg_temp.held', now, { limit: 1 })).toEqual({
      held: 1000, missing: 1000, surplus: 500, rows: [{ side: 'surplus', count: 1, image: '(1,)' }],
    });
    expect(await differences('pg_temp.held', now, { limit: 0, region: 'a > 400 AND a <= 1001' })).toEqual({ held: 600, missing: 1, surplus: 100, rows: [] });
  });

  it('are found in columns of types without an equality, and in none', async () => {
    await client.query(`CREATE TEMP TABLE odd AS SELECT '{"a": 1}'::json AS a, '(1,2)'::point AS b, '<a/>'::xml AS c`);
    const now = (json: string) => `SELECT '${json}'::json AS a, '(1,2)'::point AS b, '<a/>'::xml AS c`;
    expect(await differences('pg_temp.odd', now('{"a": 1}'), { columns: ['a', 'b', 'c'] })).toMatchObject({ missing: 0, surplus: 0 });
    expect(await differences('pg_temp.odd', now('{"a":1}'), { columns: ['a', 'b', 'c'] })).toMatchObject({ missing: 1, surplus: 1 });
    expect(await differences('pg_temp.odd', `${now('{}')} LIMIT 0`, { columns: [] })).toEqual({
      held: 1, missing: 0, surplus: 1, rows: [{ side: 'surplus', count: 1, image: '()' }],
    });
  });
});

it('an image is read as the values it was made of', async () => {
  const value = fc.option(fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0')),
    fc.string({ unit: fc.constantFrom('"', '\\', ',', '(', ')', ' ', '\n', 'a') }),
  ));
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), async (values) => {
      const row = `ROW(${values.map((_, index) => `$${index + 1}::text`).join(', ')})::text`;
      expect(readImage(await valueOf<string>(client, `SELECT ${row}`, values))).toEqual(values);
    }),
    { numRuns: 300 },
  );
});
