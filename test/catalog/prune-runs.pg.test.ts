import { expect, it } from 'vitest';
import { pruneRuns } from '../../src/catalog/clean-up.js';
import { Database } from '../../src/database/database.js';
import { startWorker } from '../support/test-worker.js';
import { createOrders, freshDatabase, valueOf } from '../worker/scene.js';

const hour = 3_600_000;
const runs = (count: number, age: string): string =>
  `INSERT INTO refresh_listener.run (view, reason, started_at, duration_ms, sources)
   SELECT id, 'change', clock_timestamp() - interval '${age}', 1, '{}' FROM refresh_listener.view, generate_series(1, ${count})`;

it('the record of refreshes is pruned by age in each sweep, however much there is, and the younger ones stay', async () => {
  const db = await freshDatabase();
  await createOrders(db);
  const worker = await startWorker(db.url('worker'), ['mv_orders'], { sweepMs: 200, historyMs: hour });
  await worker.events.next('refresh.done');
  const count = (): Promise<number> => valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run');
  const before = await count();
  // More than one statement deletes.
  await db.worker.query(runs(25_000, '61 minutes'));
  await db.worker.query(runs(10, '59 minutes'));
  await expect.poll(count, { timeout: 20_000 }).toBe(before + 10);
  await worker.stop();

  const database = new Database(db.url('worker'), 1);
  await db.worker.query(runs(10_000, '2 hours'));
  expect(await pruneRuns(database, hour)).toBe(10_000);
  expect(await pruneRuns(database, hour)).toBe(0);
  await database.close();
});
