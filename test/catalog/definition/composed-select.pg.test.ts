import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MergeDefinition } from '../../../src/catalog/definition/definition.js';
import { readDefinition } from '../../../src/catalog/definition/read-definition.js';
import { quoteIdentifier } from '../../../src/database/identifier.js';
import { Database } from '../../../src/database/database.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';

let db: TestDatabase;
let database: Database;
let views = 0;

beforeAll(async () => {
  db = await createDatabase();
  database = new Database(db.url('worker'), 1);
  // NULLs in keys and values, groups of NULLs alone, and numerics of several scales, NaN and Infinity.
  await db.app.query(`
    CREATE SCHEMA "Üs"; GRANT USAGE ON SCHEMA "Üs" TO ${db.roles.worker};
    CREATE TABLE "Üs"."Ereig nis" (id bigint PRIMARY KEY, at timestamptz, "from" text, "ñ ""k""" text, s smallint, i int, b bigint, n numeric, p numeric(12,2));
    INSERT INTO "Üs"."Ereig nis"
    SELECT g, CASE WHEN g % 11 > 0 THEN '2026-01-01 00:00+00'::timestamptz + g * interval '7 min' END,
           CASE WHEN g % 5 > 0 THEN 'k' || g % 5 END, CASE WHEN g % 3 > 0 THEN 'é' || g % 3 END,
           CASE WHEN g % 5 <> 2 AND g % 2 > 0 THEN g % 300 - 150 END, CASE WHEN g % 5 <> 2 AND g % 4 > 0 THEN (g * 7919) % 100000 - 50000 END,
           CASE WHEN g % 5 <> 2 AND g % 6 > 0 THEN 9223372036854775807 - g * 1000 END,
           CASE WHEN g % 5 = 3 AND g % 97 = 0 THEN 'NaN' WHEN g % 5 = 4 AND g % 89 = 0 THEN 'Infinity'
                WHEN g % 5 <> 2 AND g % 7 > 0 THEN round(g / 7.0, g % 9) END,
           CASE WHEN g % 5 <> 2 THEN g / 3.0 END
    FROM generate_series(1, 2000) AS g`);
});
afterAll(async () => {
  await database.close();
  await db.drop();
});

async function read(definition: string): Promise<{ readonly view: string; readonly definition: MergeDefinition }> {
  views += 1;
  const view = `public.d_${views}`;
  await db.worker.query(`CREATE VIEW ${view} AS ${definition}`);
  const [row] = await database.rows<{ sql: string }>(`SELECT pg_catalog.pg_get_viewdef('${view}'::pg_catalog.regclass) AS sql`);
  const reading = await readDefinition(row?.sql ?? '');
  if ('refusal' in reading) throw new Error(`it ${reading.refusal}`);
  return { view, definition: reading.definition };
}

const source = '"Üs"."Ereig nis"';
const allRows = `SELECT * FROM ${source}`;

/** Rows of a query as their images, sorted. */
async function images(columns: readonly string[], query: string): Promise<string[]> {
  const shown = columns.map((column) => `pg_catalog.encode(pg_catalog.record_send(ROW(q.${quoteIdentifier(column)})), 'hex')`);
  const rows = await database.rows<{ image: string }>(`SELECT pg_catalog.concat_ws(' ', ${shown.join(', ')}) AS image FROM (${query}) AS q ORDER BY 1`);
  return rows.map(({ image }) => image);
}

const definitions: readonly (readonly [string, string])[] = [
  ['everything at once, with an alias', `SELECT date_trunc('hour', e.at) AS bucket, e."from", 'Größe 🙂 FROM' AS "größe, ""FROM""", upper(coalesce(e."ñ ""k""", e."from", '(')) AS "数",
    count(*) AS n, count(e.i) FILTER (WHERE e."ñ ""k""" <> ')') AS "count", sum(e.b) AS "sum", avg(e.n) AS "Mean""", avg(e.s + 1) FILTER (WHERE e.i > 0 AND e."from" IS DISTINCT FROM 'k1') AS "(",
    min(e.p) AS "min", max(e.at) AS last
    FROM "Üs"."Ereig nis" AS e WHERE e."from" IS DISTINCT FROM 'k4' AND (e.i > -40000 OR e.i IS NULL) GROUP BY 1, 2, 3, 4`],
  ['no alias', `SELECT "from", CASE WHEN "ñ ""k""" IS NULL THEN 'none' ELSE "ñ ""k""" END AS c, avg(n) AS a, avg(b) AS b FROM "Üs"."Ereig nis" GROUP BY "from", 2`],
  ['an alias that is quoted', `SELECT "From"."from" AS k, extract(dow FROM "From".at) AS dow, sum("From".n) AS n FROM "Üs"."Ereig nis" AS "From" GROUP BY 1, 2`],
  ['constants alone', `SELECT 1 AS one, -1 AS minus, 'x'::varchar(3) AS x, 1.50 AS half, NULL::int AS nothing, count(*) AS n FROM "Üs"."Ereig nis" GROUP BY 1, 2, 3, 4, 5`],
  ['names of one column for another', `SELECT i AS b, b AS i, count(*) AS "from" FROM "Üs"."Ereig nis" GROUP BY i, b`],
  ['keys alone', 'SELECT "from", s FROM "Üs"."Ereig nis" GROUP BY "from", s'],
  ['types that are long to write', `SELECT at::timestamp(0) without time zone AS t, (p::double precision)::character varying(9) AS v, count(*) AS n FROM "Üs"."Ereig nis" GROUP BY 1, 2`],
  ['operators and arrays', `SELECT ARRAY["from", "ñ ""k"""] AS both, i BETWEEN 1 AND 1000 AS some, "from" IN ('k1', 'k2') AS listed, at AT TIME ZONE 'Asia/Kathmandu' AS there, count(*) FILTER (WHERE "from" LIKE 'k%' ESCAPE '!') AS n FROM "Üs"."Ereig nis" GROUP BY 1, 2, 3, 4`],
];

describe('the query that reads other rows', () => {
  it.each(definitions)('returns over all rows what the definition does: %s', async (_what, sql) => {
    const { view, definition } = await read(sql);
    const columns = definition.columns.map(({ name }) => name);
    const expected = await images(columns, `SELECT * FROM ${view}`);
    expect(expected.length).toBeGreaterThan(0);
    expect(await images(columns, definition.select(allRows))).toEqual(expected);
    expect(await images(columns, definition.select(`(${allRows})`))).toEqual(expected);
  });

  it.each(definitions)('has the columns of the definition and the hidden ones, in that order: %s', async (_what, sql) => {
    const { definition } = await read(sql);
    const columns = await database.transaction('look', (tx) => tx.columns(definition.select(allRows)));
    const hidden = definition.columns.flatMap((column) => (column.role === 'avg' ? [column.sum, column.count] : []));
    expect(columns.map(({ name }) => name)).toEqual([...definition.columns.map(({ name }) => name), ...hidden, '_rows']);
    const [numeric, bigint] = [1700, 20];
    expect(columns.slice(definition.columns.length).map(({ type }) => type)).toEqual([...hidden.map((_name, place) => (place % 2 === 0 ? numeric : bigint)), bigint]);
  });

  it.each(definitions)('gives each dimension of each row: %s', async (_what, sql) => {
    const { view, definition } = await read(sql);
    for (const column of definition.columns) {
      if (column.role !== 'dimension') continue;
      const all = await images(['bucket'], `SELECT DISTINCT q.bucket FROM (${definition.selectDimension(column.name, allRows)}) AS q`);
      const shown = await images([column.name], `SELECT DISTINCT v.${quoteIdentifier(column.name)} FROM ${view} AS v`);
      // WHERE leaves some out; what is left is there.
      expect(all).toEqual(expect.arrayContaining(shown));
      const perRow = await database.rows<{ n: number }>(`SELECT count(*)::int AS n FROM (${definition.selectDimension(column.name, allRows)}) AS q`);
      expect(perRow).toEqual([{ n: 2000 }]);
    }
  });

  it('reads only the rows it is given', async () => {
    const { definition } = await read(`SELECT "from", count(*) AS n FROM "Üs"."Ereig nis" GROUP BY 1`);
    expect(await database.rows(definition.select(`${allRows} WHERE id IN (1, 6, 7)`).concat(' ORDER BY 1'))).toEqual([{ from: 'k1', n: 2, _rows: 2 }, { from: 'k2', n: 1, _rows: 1 }]);
    expect(await database.rows(definition.select(`${allRows} WHERE id < 0`))).toEqual([]);
  });
});

describe('an average is the quotient of its hidden columns, image for image', () => {
  it.each(['s', 'i', 'b', 'n', 'p'])('%s', async (column) => {
    const { definition } = await read(`SELECT "from", date_trunc('day', at) AS day, avg(${column}) AS a, avg(${column}) FILTER (WHERE id % 2 = 0) AS f FROM "Üs"."Ereig nis" GROUP BY 1, 2`);
    const rows = definition.select(allRows);
    const whole = await images(['from', 'day', 'a', 'f'], rows);
    expect(whole.length).toBeGreaterThan(20);
    expect(await images(['from', 'day', 'a', 'f'], `SELECT r."from", r.day, r._a_sum / r._a_count AS a, r._f_sum / r._f_count AS f FROM (${rows}) AS r`)).toEqual(whole);
    // And so it is of what was added up in parts.
    const part = (condition: string) => definition.select(`${allRows} WHERE ${condition}`);
    const merged = `SELECT m."from", m.day, sum(m._a_sum) / sum(m._a_count)::bigint AS a, sum(m._f_sum) / sum(m._f_count)::bigint AS f
      FROM (SELECT * FROM (${part('id % 7 < 3')}) AS x UNION ALL SELECT * FROM (${part('id % 7 >= 3')}) AS y) AS m GROUP BY 1, 2`;
    expect(await images(['from', 'day', 'a', 'f'], merged)).toEqual(whole);
  });
});
