import fc from 'fast-check';

const id = fc.integer({ min: 1, max: 60 });
const group = fc.integer({ min: 0, max: 4 });
const value = fc.integer({ min: -5, max: 20 });
const bucket = fc.integer({ min: 0, max: 2 });
const span = fc.tuple(id, fc.integer({ min: 0, max: 6 })).map(([from, length]) => `BETWEEN ${from} AND ${from + length}`);
const many = fc.tuple(id, fc.integer({ min: 2, max: 40 })).map(([from, length]) => `generate_series(${from}, ${from + length}) AS i`);
const eventTable = fc.constantFrom('events', 'events', 'events_0', 'events_1', 'events_2', 'events_2_low');
const baseTable = fc.constantFrom('base', 'base', 'derived', 'ONLY public.base');

/** One statement that writes, of every kind, to every table of the shop; a part of them touches no row. */
export const writes: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: itemWrites() },
  { weight: 4, arbitrary: noteWrites() },
  { weight: 16, arbitrary: eventWrites() },
  { weight: 12, arbitrary: baseWrites() },
);

function itemWrites(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(id, group, value).map(([i, g, v]) => `INSERT INTO public.items VALUES (${i}, ${g}, ${v}) ON CONFLICT DO NOTHING`),
    fc.tuple(id, group, value).map(([i, g, v]) => `INSERT INTO public.items VALUES (${i}, ${g}, ${v}) ON CONFLICT (id) DO UPDATE SET val = excluded.val`),
    fc.tuple(many, value).map(([rows, v]) => `INSERT INTO public.items SELECT i, i % 5, ${v} FROM ${rows} ON CONFLICT DO NOTHING`),
    fc.tuple(span, value).map(([rows, v]) => `UPDATE public.items SET val = val + ${v} WHERE id ${rows}`),
    fc.tuple(span, group).map(([rows, g]) => `UPDATE public.items SET grp = ${g} WHERE id ${rows}`),
    span.map((rows) => `DELETE FROM public.items WHERE id ${rows}`),
    fc.constantFrom('UPDATE public.items SET val = 0 WHERE false', 'DELETE FROM public.items WHERE id < 0', 'INSERT INTO public.items SELECT 1, 1, 1 WHERE false'),
    fc.tuple(many, value).map(([rows, v]) => `MERGE INTO public.items AS t USING (SELECT i FROM ${rows}) AS s ON t.id = s.i
      WHEN MATCHED AND t.val > 10 THEN DELETE WHEN MATCHED THEN UPDATE SET val = t.val + ${v} WHEN NOT MATCHED THEN INSERT VALUES (s.i, s.i % 5, ${v})`),
    fc.tuple(span, value).map(([rows, v]) => `WITH gone AS (DELETE FROM public.items WHERE id ${rows} RETURNING id, grp)
      INSERT INTO public.base SELECT id, grp, ${v} FROM gone`),
    { weight: 1, arbitrary: fc.constantFrom('TRUNCATE public.items CASCADE') },
  );
}

function noteWrites(): fc.Arbitrary<string> {
  return fc.oneof(
    span.map((rows) => `INSERT INTO public.notes (item) SELECT id FROM public.items WHERE id ${rows}`),
    span.map((rows) => `DELETE FROM public.notes WHERE item ${rows}`),
    fc.constant('TRUNCATE public.notes'),
  );
}

function eventWrites(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(id, bucket, value).map(([i, b, v]) => `INSERT INTO public.events VALUES (${i}, ${b}, ${v})`) },
    { weight: 2, arbitrary: fc.tuple(many, value).map(([rows, v]) => `INSERT INTO public.events SELECT i, i % 3, ${v} FROM ${rows}`) },
    fc.tuple(id, value).map(([i, v]) => `INSERT INTO public.events_0 VALUES (${i}, 0, ${v})`),
    fc.tuple(id, value).map(([i, v]) => `INSERT INTO public.events_1 VALUES (${i}, 1, ${v})`),
    { weight: 3, arbitrary: fc.tuple(eventTable, span, value).map(([table, rows, v]) => `UPDATE public.${table} SET id = id + ${v % 3} WHERE id ${rows}`) },
    { weight: 2, arbitrary: fc.tuple(span, bucket).map(([rows, b]) => `UPDATE public.events SET bucket = ${b} WHERE id ${rows}`) },
    { weight: 3, arbitrary: fc.tuple(eventTable, span).map(([table, rows]) => `DELETE FROM public.${table} WHERE id ${rows}`) },
    fc.constantFrom('DELETE FROM public.events WHERE false', 'UPDATE public.events_0 SET val = 1 WHERE false'),
    fc.constantFrom('TRUNCATE public.events', 'TRUNCATE public.events_0', 'TRUNCATE public.events_2'),
  );
}

function baseWrites(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.tuple(id, group, value).map(([i, g, v]) => `INSERT INTO public.base VALUES (${i}, ${g}, ${v})`) },
    { weight: 2, arbitrary: fc.tuple(many, group).map(([rows, g]) => `INSERT INTO public.derived SELECT i, ${g}, i FROM ${rows}`) },
    { weight: 3, arbitrary: fc.tuple(baseTable, span, value).map(([table, rows, v]) => `UPDATE ${qualified(table)} SET val = val + ${v} WHERE id ${rows}`) },
    { weight: 2, arbitrary: fc.tuple(baseTable, span).map(([table, rows]) => `DELETE FROM ${qualified(table)} WHERE id ${rows}`) },
    fc.constantFrom('UPDATE public.base SET val = 0 WHERE false', 'DELETE FROM public.derived WHERE id < 0'),
    fc.constantFrom('TRUNCATE public.base', 'TRUNCATE public.derived', 'TRUNCATE ONLY public.base'),
  );
}

function qualified(table: string): string {
  return table.startsWith('ONLY') ? table : `public.${table}`;
}
