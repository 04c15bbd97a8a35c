import { expect, it } from 'vitest';
import { makeWorker, startWorker } from '../support/test-worker.js';
import { connect, createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

it('a worker registers a source once more that another one took for unread and removed', async () => {
  const db = await freshDatabase();
  await createOrders(db);
  const first = await startWorker(db.url('worker'), ['mv_orders']);
  await first.events.next('refresh.done');
  await first.stop();
  await createTable(db, 'customers');
  await createView(db, 'mv_customers', 'SELECT id, n FROM public.customers', 'id');

  // Holds the other worker between registering the source and linking it, and removes it as a sweep would.
  const remover = await connect(db.worker);
  await remover.query('BEGIN');
  await remover.query('LOCK TABLE refresh_listener.view_source IN SHARE ROW EXCLUSIVE MODE');
  const { worker, events } = makeWorker(db.url('worker'), ['mv_customers']);
  const starting = worker.start();
  const linking = `SELECT count(*)::int FROM pg_locks WHERE NOT granted AND relation = 'refresh_listener.view_source'::regclass`;
  await expect.poll(() => valueOf(db.admin, linking), { timeout: 10_000, interval: 5 }).toBe(1);
  const removed = await remover.query("DELETE FROM refresh_listener.source WHERE name = 'public.customers'");
  expect(removed.rowCount).toBe(1);
  await remover.query('COMMIT');

  await starting;
  await events.next('refresh.done');
  const from = events.mark;
  await db.app.query('INSERT INTO public.customers (n) VALUES (1)');
  expect(await events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_customers', inserted: 1 });
  expect(events.complaints).toEqual([]);
});
