import { describe, expect, it } from 'vitest';
import type { MergeDefinition } from '../../../src/catalog/definition/definition.js';
import { readDefinition } from '../../../src/catalog/definition/read-definition.js';

async function read(sql: string): Promise<MergeDefinition> {
  const reading = await readDefinition(sql);
  if ('refusal' in reading) throw new Error(`it ${reading.refusal}`);
  return reading.definition;
}

/** One blank for any white space: how the text is laid out is no matter. */
function flat(sql: string | undefined): string | undefined {
  return sql?.replaceAll(/\s+/g, ' ');
}

const hourly = ` SELECT date_trunc('hour'::text, occurred_at) AS bucket,
    account_id,
    count(*) AS event_count,
    count(bytes) FILTER (WHERE (bytes > 0)) AS "some",
    sum(bytes) AS total_bytes,
    avg(bytes) AS mean,
    min(bytes) AS least,
    max(COALESCE(bytes, (0)::bigint)) AS most
   FROM app.usage_events
  WHERE (account_id IS DISTINCT FROM 7)
  GROUP BY (date_trunc('hour'::text, occurred_at)), account_id;`;

describe('a definition that merge can keep', () => {
  it('gives its columns in their order, and its source', async () => {
    const { columns, source } = await read(hourly);
    expect(columns).toEqual([
      { role: 'dimension', name: 'bucket' }, { role: 'dimension', name: 'account_id' },
      { role: 'count', name: 'event_count' }, { role: 'count', name: 'some' }, { role: 'sum', name: 'total_bytes' },
      { role: 'avg', name: 'mean', sum: '_mean_sum', count: '_mean_count' },
      { role: 'min', name: 'least' }, { role: 'max', name: 'most' },
    ]);
    expect(source).toEqual({ schema: 'app', relation: 'usage_events', name: '"app"."usage_events"' });
  });

  it('reads other rows under the name of its source, and adds the hidden columns', async () => {
    const { select } = await read(hourly);
    expect(flat(select('SELECT * FROM new_rows'))).toBe(flat(`SELECT date_trunc('hour'::text, occurred_at) AS bucket,
      account_id, count(*) AS event_count, count(bytes) FILTER (WHERE (bytes > 0)) AS "some", sum(bytes) AS total_bytes,
      avg(bytes) AS mean, min(bytes) AS least, max(COALESCE(bytes, (0)::bigint)) AS most,
      (pg_catalog.sum(bytes))::pg_catalog.numeric AS "_mean_sum", pg_catalog.count(bytes) AS "_mean_count", pg_catalog.count(*) AS _rows
      FROM (SELECT * FROM new_rows) AS "usage_events"
      WHERE (account_id IS DISTINCT FROM 7)
      GROUP BY (date_trunc('hour'::text, occurred_at)), account_id`));
  });

  it('evaluates one dimension over rows, and knows what it reads', async () => {
    const { selectDimension, columnsOf } = await read(hourly);
    expect(selectDimension('bucket', '(VALUES (1))')).toBe(`SELECT date_trunc('hour'::text, occurred_at) AS bucket FROM ((VALUES (1))) AS "usage_events"`);
    expect(selectDimension('account_id', 'SELECT 1')).toBe('SELECT account_id AS bucket FROM (SELECT 1) AS "usage_events"');
    expect(columnsOf('bucket')).toEqual(['occurred_at']);
    expect(columnsOf('account_id')).toEqual(['account_id']);
    expect(() => columnsOf('event_count')).toThrow('The definition has no dimension event_count.');
    expect(() => selectDimension('nothing', 'SELECT 1')).toThrow('no dimension nothing');
  });

  it('names what each aggregate takes, for its type', async () => {
    const { selectArguments } = await read(hourly);
    expect(selectArguments('SELECT 1')).toBe('SELECT (bytes) AS "total_bytes", (bytes) AS "mean", (bytes) AS "least", '
      + '(COALESCE(bytes, (0)::bigint)) AS "most" FROM (SELECT 1) AS "usage_events"');
    const { selectArguments: none } = await read('SELECT a, count(b) AS n FROM s.t GROUP BY a');
    expect(none('SELECT 1')).toBeUndefined();
  });

  it.each([
    ['an alias', 'SELECT e.a, count(*) AS n FROM s.t e GROUP BY e.a', 'SELECT e.a, count(*) AS n FROM (R) AS "e" GROUP BY e.a'],
    ['an alias with AS', 'SELECT a, count(*) AS n FROM s.t AS "E" GROUP BY a', 'SELECT a, count(*) AS n FROM (R) AS "E" GROUP BY a'],
    ['odd names', 'SELECT "from" AS "a""b, c", sum("x(")AS "group" FROM "S.1"."FROM where" "group" WHERE ("x(" > 0) GROUP BY "from"',
      'SELECT "from" AS "a""b, c", sum("x(")AS "group" FROM (R) AS "group" WHERE ("x(" > 0) GROUP BY "from"'],
    ['letters of several bytes before FROM', `SELECT 'Größe 🙂 FROM'::text AS "größe", "ñ" AS k, count(*) AS "数" FROM "Ü"."日本" WHERE ("ñ" <> 'é') GROUP BY 'Größe 🙂 FROM'::text, "ñ"`,
      `SELECT 'Größe 🙂 FROM'::text AS "größe", "ñ" AS k, count(*) AS "数" FROM (R) AS "日本" WHERE ("ñ" <> 'é') GROUP BY 'Größe 🙂 FROM'::text, "ñ"`],
    ['FROM and commas inside calls', `SELECT EXTRACT(hour FROM at) AS h, SUBSTRING(a FROM 1 FOR 2) AS s, count(*) AS n FROM s.t GROUP BY (EXTRACT(hour FROM at)), (SUBSTRING(a FROM 1 FOR 2))`,
      `SELECT EXTRACT(hour FROM at) AS h, SUBSTRING(a FROM 1 FOR 2) AS s, count(*) AS n FROM (R) AS "t" GROUP BY (EXTRACT(hour FROM at)), (SUBSTRING(a FROM 1 FOR 2))`],
    ['IS DISTINCT FROM without brackets', 'SELECT a IS DISTINCT FROM b AS d, count(*) AS n FROM s.t GROUP BY (a IS DISTINCT FROM b)',
      'SELECT a IS DISTINCT FROM b AS d, count(*) AS n FROM (R) AS "t" GROUP BY (a IS DISTINCT FROM b)'],
    ['CASE as a key', 'SELECT CASE WHEN (a > 1) THEN 1 ELSE b END AS c, count(*) AS n FROM s.t GROUP BY CASE WHEN (a > 1) THEN 1 ELSE b END',
      'SELECT CASE WHEN (a > 1) THEN 1 ELSE b END AS c, count(*) AS n FROM (R) AS "t" GROUP BY CASE WHEN (a > 1) THEN 1 ELSE b END'],
    ['no line at its end', 'SELECT a, count(*) AS n FROM s.t GROUP BY a', 'SELECT a, count(*) AS n FROM (R) AS "t" GROUP BY a'],
    ['keys alone', 'SELECT a, b FROM s.t GROUP BY a, b;', 'SELECT a, b FROM (R) AS "t" GROUP BY a, b'],
    ['a key shown twice', 'SELECT a, a AS again, count(*) AS n FROM s.t GROUP BY a', 'SELECT a, a AS again, count(*) AS n FROM (R) AS "t" GROUP BY a'],
    ['averages of expressions, filtered', `SELECT a, avg(((b + 1))::numeric) FILTER (WHERE (c = ')'::text)) AS "m" FROM s.t GROUP BY a`,
      `SELECT a, avg(((b + 1))::numeric) FILTER (WHERE (c = ')'::text)) AS "m", (pg_catalog.sum(((b + 1))::numeric) FILTER (WHERE (c = ')'::text)))::pg_catalog.numeric AS "_m_sum", pg_catalog.count(((b + 1))::numeric) FILTER (WHERE (c = ')'::text)) AS "_m_count" FROM (R) AS "t" GROUP BY a`],
    ['two averages, and their schema', 'SELECT pg_catalog.avg(b) AS x, a, avg(c) AS "Y" FROM s.t GROUP BY a',
      'SELECT pg_catalog.avg(b) AS x, a, avg(c) AS "Y", (pg_catalog.sum(b))::pg_catalog.numeric AS "_x_sum", pg_catalog.count(b) AS "_x_count", (pg_catalog.sum(c))::pg_catalog.numeric AS "_Y_sum", pg_catalog.count(c) AS "_Y_count" FROM (R) AS "t" GROUP BY a'],
    ['a constant, which has its type in GROUP BY alone', 'SELECT 1 AS one, count(*) AS n FROM s.t GROUP BY 1::integer', 'SELECT 1 AS one, count(*) AS n FROM (R) AS "t" GROUP BY 1::integer'],
    ['a column named with its table in one place', 'SELECT a, count(*) AS n FROM s.t GROUP BY t.a', 'SELECT a, count(*) AS n FROM (R) AS "t" GROUP BY t.a'],
  ])('%s', async (_what, sql, composed) => {
    const { select } = await read(sql);
    // Last comes how many rows made each group.
    expect(flat(select('R'))).toBe(composed.replace(' FROM (R) AS', ', pg_catalog.count(*) AS _rows FROM (R) AS'));
  });

  it('says which columns an expression reads, each once', async () => {
    const { columnsOf } = await read('SELECT COALESCE(e."b b", e.a, upper(e."b b")) AS k, e.c FROM s.t e GROUP BY COALESCE(e."b b", e.a, upper(e."b b")), e.c');
    expect(columnsOf('k')).toEqual(['b b', 'a']);
    expect(columnsOf('c')).toEqual(['c']);
  });

  it("a system's own table stands without a schema", async () => {
    expect((await read('SELECT relkind, count(*) AS n FROM pg_class GROUP BY relkind')).source.name).toBe('"pg_catalog"."pg_class"');
  });
});

describe('a definition that merge cannot keep is refused, with the reason and what would work', () => {
  const keys = Array.from({ length: 33 }, (_, place) => `k${place}`).join(', ');
  it.each([
    ['SELECT count(*) AS n FROM s.t', 'has no GROUP BY', 'group by a bucket'],
    ['SELECT count(*) AS n FROM s.t GROUP BY a', 'groups by a, which is missing in the select list', 'select every key'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a, (b + 1)', 'groups by an expression (number 2 in GROUP BY), which is missing in the select list', 'select every key'],
    ['SELECT DISTINCT a FROM s.t', 'has DISTINCT', 'group by those columns'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a HAVING (count(*) > 1)', 'has HAVING', 'as a WHERE'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a ORDER BY a', 'has ORDER BY', 'leave it out'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a LIMIT 3', 'has LIMIT or OFFSET', 'plain view'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a OFFSET 3', 'has LIMIT or OFFSET', 'plain view'],
    ['SELECT a, count(*) AS n, rank() OVER (ORDER BY a) AS r FROM s.t GROUP BY a', 'computes rank() over a window', 'plain view'],
    ['SELECT a, count(*) AS n, sum(count(*)) OVER w AS r FROM s.t GROUP BY a WINDOW w AS (ORDER BY a)', 'has windows', 'plain view'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a UNION ALL SELECT a, 1 FROM s.u', 'combines several SELECTs (UNION, INTERSECT, EXCEPT)', 'a summary of each'],
    ['WITH c AS (SELECT 1) SELECT a, count(*) AS n FROM s.t GROUP BY a', 'has a WITH query', 'one SELECT'],
    ['SELECT a, count(*) AS n FROM s.t WHERE (EXISTS (SELECT FROM s.u)) GROUP BY a', 'has a subquery', 'listener --views'],
    ['SELECT a, sum((SELECT 1)) AS n FROM s.t GROUP BY a', 'has a subquery', 'listener --views'],
    ['SELECT a, count(*) FILTER (WHERE (b IN (SELECT 1))) AS n FROM s.t GROUP BY a', 'has a subquery', 'listener --views'],
    ['SELECT x.a, count(*) AS n FROM (s.t x JOIN s.u y ON (x.a = y.a)) GROUP BY x.a', 'reads 2 tables (s.t, s.u)', 'listener --views'],
    ['SELECT x.a, count(*) AS n FROM s.t x, s.u y GROUP BY x.a', 'reads 2 tables (s.t, s.u)', 'listener --views'],
    ['SELECT x.a, count(*) AS n FROM s.t x, LATERAL unnest(x.b) y(b) GROUP BY x.a', 'joins a table with something else', 'listener --views'],
    ['SELECT a, count(*) AS n FROM (SELECT a FROM s.t) x GROUP BY a', 'has a subquery in FROM', 'one SELECT'],
    ['SELECT a, count(*) AS n FROM generate_series(1, 3) a(a) GROUP BY a', 'reads a function in FROM', 'read the table'],
    ['SELECT 1 AS a', 'reads no table', 'over the table'],
    ['VALUES (1)', 'is a list of VALUES and reads no table', 'over the table'],
    ['SELECT a, count(*) AS n FROM s.t TABLESAMPLE bernoulli (10) GROUP BY a', 'takes a sample of the table (TABLESAMPLE)', 'leave TABLESAMPLE out'],
    ['SELECT a, count(*) AS n FROM ONLY s.t GROUP BY a', 'reads ONLY s.t, without its partitions or children', 'leave ONLY out'],
    ['SELECT x, count(*) AS n FROM s.t e(x, y) GROUP BY x', 'gives the columns of s.t other names in FROM', "table's own names"],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY ROLLUP(a)', 'groups by several sets of keys (GROUPING SETS, ROLLUP, CUBE)', 'finest set'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY GROUPING SETS ((a), ())', 'groups by several sets of keys (GROUPING SETS, ROLLUP, CUBE)', 'finest set'],
    ['SELECT a, GROUPING(a) AS g FROM s.t GROUP BY a', 'asks for GROUPING()', 'leave it out'],
    ['SELECT a, count(*) AS n FROM s.t GROUP BY a FOR UPDATE', 'locks the rows that it reads (FOR UPDATE or its like)', 'leave'],
    ['SELECT a, count(DISTINCT b) AS n FROM s.t GROUP BY a', 'takes each value once in n, count(DISTINCT ...)', 'group by that value too'],
    ['SELECT a, sum(b ORDER BY b) AS n FROM s.t GROUP BY a', 'orders the rows of sum() in n', 'leave that ORDER BY out'],
    [`SELECT a, string_agg(b, ',' ORDER BY b) AS n FROM s.t GROUP BY a`, 'has n, string_agg(...), an aggregate that no sum of parts gives', 'leave it out'],
    ['SELECT a, bool_and(b) AS n FROM s.t GROUP BY a', 'has n, bool_and(...), an aggregate that no sum of parts gives', 'leave it out'],
    ['SELECT a, percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS n FROM s.t GROUP BY a', 'has n, percentile_cont(...), an aggregate that no sum of parts gives', 'leave it out'],
    ['SELECT a, JSON_ARRAYAGG(b) AS n FROM s.t GROUP BY a', 'has n, JSON_ARRAYAGG(...), an aggregate that no sum of parts gives', 'leave it out'],
    ['SELECT a, public.total(b) FILTER (WHERE c) AS n FROM s.t GROUP BY a', 'has n, public.total(...), an aggregate that no sum of parts gives', 'leave it out'],
    ['SELECT a, public.sum(b) AS n FROM s.t GROUP BY a', 'has a column, n, that is neither in GROUP BY nor one of count, sum, avg, min and max', 'leave it out'],
    ['SELECT a, (sum(b))::integer AS n FROM s.t GROUP BY a', 'computes n from aggregates', 'plain view over the summary'],
    ['SELECT a, COALESCE(sum(b), 0) AS n FROM s.t GROUP BY a', 'computes n from aggregates', 'plain view over the summary'],
    ['SELECT a, CASE WHEN (count(*) > 1) THEN 1 ELSE 0 END AS n FROM s.t GROUP BY a', 'computes n from aggregates', 'plain view over the summary'],
    ['SELECT a, round((sum(b) / (count(*))::numeric), 2) AS n FROM s.t GROUP BY a', 'computes n from aggregates', 'plain view over the summary'],
    ['SELECT a, upper(a) AS u FROM s.t GROUP BY a', 'has a column, u, that is neither in GROUP BY nor one of count, sum, avg, min and max', 'put the expression of u into GROUP BY'],
    ['SELECT a, count(t.*) AS n FROM s.t GROUP BY a', 'reads the whole row as one value', 'count(*)'],
    ['SELECT tableoid, count(*) AS n FROM s.t GROUP BY tableoid', 'reads the system column tableoid', 'a column of the table'],
    ['SELECT a AS updated_at, count(*) AS n FROM s.t GROUP BY a', 'has a column updated_at, which the summary needs for itself', 'another name'],
    ['SELECT a AS ctid, count(*) AS n FROM s.t GROUP BY a', 'has a column ctid, which the summary needs for itself', 'another name'],
    ['SELECT a AS _m_sum, avg(b) AS m FROM s.t GROUP BY a', 'has a column _m_sum, a name that the summary needs for the hidden columns of an average', 'another name'],
    ['SELECT a, count(*) AS a FROM s.t GROUP BY a', 'has two columns with the name a', 'another name'],
    [`SELECT a, avg(b) AS "${'ü'.repeat(29)}" FROM s.t GROUP BY a`, `has an average, ${'ü'.repeat(29)}, with too long a name for its hidden columns`, 'at most 56 bytes'],
    [`SELECT ${keys} FROM s.t GROUP BY ${keys}`, 'has 33 keys in GROUP BY, and a unique index takes 32', 'group by fewer'],
    ['DELETE FROM s.t', 'is not one SELECT', 'one plain SELECT'],
    ['SELECT 1; SELECT 2', 'is not one SELECT', 'one plain SELECT'],
    ['', 'is not one SELECT', 'one plain SELECT'],
    ['SELECT FROM WHERE', 'cannot be read: syntax error at or near "WHERE"', 'one plain SELECT'],
  ])('%s', async (sql, refusal, remedy) => {
    const reading = await readDefinition(sql);
    expect(reading).toMatchObject({ refusal, remedy: expect.stringContaining(remedy) as string });
  });
});
