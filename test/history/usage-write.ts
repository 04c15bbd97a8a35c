import fc from 'fast-check';

/** A statement and who may give it: COPY from a program is for the superuser. */
export interface UsageWrite {
  readonly sql: string;
  readonly byAdmin?: true;
}

const table = fc.constantFrom('plain_usage', 'filtered_usage', 'split_usage');
const kind = fc.integer({ min: 0, max: 2 });
const account = fc.constantFrom('0', '1', '2', '3', '99', 'NULL');
const bytes = fc.oneof(fc.integer({ min: -50, max: 300 }).map((n) => `${n}.25`), fc.constant('NULL'));
const moment = fc.integer({ min: 0, max: 400 }).map((minutes) => `now() - interval '${minutes} minutes'`);
const ref = fc.integer({ min: 1, max: 40 });
const columns = '(kind, occurred_at, account_id, bytes)';

const one: fc.Arbitrary<UsageWrite> = fc.tuple(table, kind, moment, account, bytes)
  .map(([t, k, m, a, b]) => ({ sql: `INSERT INTO public.${t} ${columns} VALUES (${k}, ${m}, ${a}, ${b})` }));
const leaf: fc.Arbitrary<UsageWrite> = fc.tuple(kind, moment, account, bytes)
  .map(([k, m, a, b]) => ({ sql: `INSERT INTO public.split_usage_${k} ${columns} VALUES (${k}, ${m}, ${a}, ${b})` }));
const several: fc.Arbitrary<UsageWrite> = fc.tuple(table, fc.array(fc.tuple(kind, moment, account, bytes), { minLength: 2, maxLength: 6 }))
  .map(([t, rows]) => ({ sql: `INSERT INTO public.${t} ${columns} VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}` }));
/** A conflict draws an id and leaves it. */
const conflicting: fc.Arbitrary<UsageWrite> = fc.tuple(table, kind, ref, fc.nat({ max: 6 }), bytes)
  .map(([t, k, r, more, b]) => ({ sql: `INSERT INTO public.${t} (kind, ref, bytes) SELECT ${k}, r, ${b} FROM generate_series(${r}, ${r + more}) AS r ON CONFLICT DO NOTHING` }));
const load = (most: number): fc.Arbitrary<UsageWrite> => fc.tuple(table, fc.integer({ min: 20, max: most }), moment)
  .map(([t, n, m]) => ({ sql: `INSERT INTO public.${t} ${columns} SELECT i % 3, ${m} + i * interval '10 seconds', nullif(i % 4, 1), nullif(i % 77, 5) FROM generate_series(1, ${n}) AS i` }));
const copied: fc.Arbitrary<UsageWrite> = fc.tuple(table, fc.integer({ min: 1, max: 60 }))
  .map(([t, n]) => ({ sql: `COPY public.${t} (bytes) FROM PROGRAM 'seq 1 ${n}'`, byAdmin: true }));
const nothing: fc.Arbitrary<UsageWrite> = table.map((t) => ({ sql: `INSERT INTO public.${t} (kind) SELECT 0 WHERE false` }));

/** One statement that only adds rows, in every way there is. */
export const additions: fc.Arbitrary<UsageWrite> = fc.oneof(
  { weight: 8, arbitrary: one }, { weight: 7, arbitrary: leaf }, { weight: 4, arbitrary: several }, { weight: 4, arbitrary: conflicting },
  { weight: 1, arbitrary: load(200) }, { weight: 2, arbitrary: copied }, { weight: 1, arbitrary: nothing },
);

const part = fc.tuple(fc.integer({ min: 5, max: 40 }), fc.nat({ max: 4 })).map(([by, left]) => `id % ${by} = ${left}`);
const alterations: fc.Arbitrary<UsageWrite> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(table, part, bytes).map(([t, rows, b]) => ({ sql: `UPDATE public.${t} SET bytes = ${b} WHERE ${rows}` })) },
  { weight: 2, arbitrary: fc.tuple(part, kind).map(([rows, k]) => ({ sql: `UPDATE public.split_usage SET kind = ${k}, ref = NULL WHERE ${rows}` })) },
  { weight: 4, arbitrary: fc.tuple(table, part).map(([t, rows]) => ({ sql: `DELETE FROM public.${t} WHERE ${rows}` })) },
  { weight: 1, arbitrary: fc.tuple(kind, part).map(([k, rows]) => ({ sql: `DELETE FROM public.split_usage_${k} WHERE ${rows}` })) },
  { weight: 1, arbitrary: fc.tuple(kind, ref, bytes).map(([k, r, b]) => ({
    sql: `INSERT INTO public.plain_usage (kind, ref, bytes) VALUES (${k}, ${r}, ${b}) ON CONFLICT (kind, ref) DO UPDATE SET bytes = excluded.bytes` })) },
  { weight: 1, arbitrary: fc.constantFrom('TRUNCATE public.plain_usage', 'TRUNCATE public.split_usage', 'TRUNCATE public.split_usage_1').map((sql) => ({ sql })) },
);
/** The sequence of a default belongs to no column: only that of an identity begins anew. */
const beginAnew: fc.Arbitrary<UsageWrite> = fc.constant({ sql: 'TRUNCATE public.plain_usage RESTART IDENTITY' });

/** One statement of any kind, most of which add rows. */
export const changes: fc.Arbitrary<UsageWrite> = fc.oneof(
  { weight: 24, arbitrary: additions }, { weight: 6, arbitrary: alterations }, { weight: 1, arbitrary: beginAnew },
);
