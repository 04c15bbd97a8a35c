import { expect, it } from 'vitest';
import { compareWithQueries } from '../../../dev/demo/agreement.js';
import { createDatabase } from '../../support/database.js';
import { Absorber, addEvents, eventsAndSummary } from '../../freshen/summary/scene.js';

it('compares each view with its query as multisets, names with capitals too', async ({ onTestFinished }) => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  await db.worker.query('CREATE TABLE public.t AS SELECT i % 2 AS n FROM generate_series(1, 4) AS i');
  await db.worker.query('CREATE MATERIALIZED VIEW public."Odd" AS SELECT n FROM public.t');
  await db.worker.query('CREATE MATERIALIZED VIEW public.total AS SELECT count(*) FROM public.t');
  const compare = async (): Promise<unknown> => {
    const client = await db.worker.connect();
    return compareWithQueries(client).finally(() => client.release());
  };
  expect(await compare()).toEqual([
    { view: 'public."Odd"', kind: 'matview', rows: 4, differing: 0 },
    { view: 'public.total', kind: 'matview', rows: 1, differing: 0 },
  ]);
  // The same rows, one of them once more: a comparison of sets would not see it.
  await db.worker.query('INSERT INTO public.t VALUES (1)');
  expect(await compare()).toEqual([
    { view: 'public."Odd"', kind: 'matview', rows: 4, differing: 1 },
    { view: 'public.total', kind: 'matview', rows: 1, differing: 2 },
  ]);
});

it('compares a summary with its query, without the columns that are its own', async () => {
  const db = await eventsAndSummary();
  await (await Absorber.of(db)).absorbed();
  const compare = async (): Promise<unknown> => {
    const client = await db.worker.connect();
    return compareWithQueries(client).finally(() => client.release());
  };
  expect(await compare()).toContainEqual({ view: 'public.hourly', kind: 'summary', rows: expect.any(Number) as number, differing: 0 });
  await addEvents(db, 1);
  expect(await compare()).not.toContainEqual(expect.objectContaining({ view: 'public.hourly', differing: 0 }));
});
