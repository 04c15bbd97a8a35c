import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

const tables = 20;

it('workers that start together on an empty database all come up', async () => {
  for (let table = 0; table < tables; table += 1) {
    await db.app.query(`CREATE TABLE public.source_${table} (id int)`);
    await db.worker.query(`CREATE MATERIALIZED VIEW public.together_${table} AS SELECT id FROM public.source_${table}`);
  }
  const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(db.url('worker'), ['together_*'], { concurrency: 1 })));
  expect(workers.map((worker) => worker.events.of('ready').length)).toEqual(Array.from({ length: 8 }, () => 1));
  const { rows } = await db.admin.query<{ triggers: number }>(`SELECT count(*)::int AS triggers FROM pg_trigger WHERE tgname = 'refresh_listener'`);
  expect(rows).toEqual([{ triggers: tables }]);
});
