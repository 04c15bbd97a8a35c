import { expect, it } from 'vitest';
import { rowsShown, ordersAndSum, sessionOf } from './sql-scene.js';
import { quiet, startServing, sweeping, sweeps } from './worker-scene.js';
import { createTable } from '../worker/scene.js';

const load = ['BEGIN', 'SET LOCAL session_replication_role = replica', 'INSERT INTO public.orders (n) VALUES (100)'];
const mark = `SELECT refresh_listener.mark_changed('public.orders')`;

it('mark_changed() tells of a load that no trigger saw: the bell brings it, and no sweep is needed', async () => {
  const db = await ordersAndSum();
  const worker = await startServing(db, ['mv_orders', 'mv_sum']);
  const from = worker.events.mark;
  const loader = await sessionOf(db.url('admin'), ...load, mark, 'COMMIT');
  await loader.query('SELECT 1');
  await worker.events.next('refresh.done', ({ view }) => view === 'public.mv_sum', from);
  expect(await rowsShown(db)).toBe(11);
  expect(worker.events.of('refresh.done', from).map(({ view, reason }) => [view, reason])).toEqual([
    ['public.mv_orders', 'change'], ['public.mv_sum', 'upstream'],
  ]);
  expect(worker.events.of('change.unseen')).toEqual([]);
});

it('mark_changed() does so where the triggers of owned tables see a replicated load as well: one refresh for both', async () => {
  const db = await ordersAndSum();
  await db.admin.query(`GRANT ${db.roles.app} TO ${db.roles.worker}`);
  const worker = await startServing(db, ['mv_orders'], sweeping);
  const from = worker.events.mark;
  await sessionOf(db.url('admin'), ...load, mark, 'COMMIT', 'SELECT pg_catalog.pg_stat_force_next_flush()');
  await worker.events.next('refresh.done', () => true, from);
  for (const sweep of (await sweeps(worker, 4)).slice(2)) expect(sweep).toMatchObject(quiet);
  expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  expect(await rowsShown(db)).toBe(11);
});

it('mark_changed() in a transaction that is rolled back refreshes nothing', async () => {
  const db = await ordersAndSum();
  await createTable(db, 'other');
  const worker = await startServing(db, ['mv_orders'], sweeping);
  const from = worker.events.mark;
  await sessionOf(db.url('admin'), 'BEGIN', mark, 'ROLLBACK');
  for (const sweep of await sweeps(worker, 3)) expect(sweep).toMatchObject(quiet);
  expect(worker.events.of('refresh.done', from)).toEqual([]);
});
