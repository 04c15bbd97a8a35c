import { expect, it } from 'vitest';
import { compareWithQueries } from '../../../dev/demo/agreement.js';
import { createDatabase } from '../../support/database.js';

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
    { view: 'public."Odd"', rows: 4, differing: 0 },
    { view: 'public.total', rows: 1, differing: 0 },
  ]);
  // The same rows, one of them once more: a comparison of sets would not see it.
  await db.worker.query('INSERT INTO public.t VALUES (1)');
  expect(await compare()).toEqual([
    { view: 'public."Odd"', rows: 4, differing: 1 },
    { view: 'public.total', rows: 1, differing: 2 },
  ]);
});
