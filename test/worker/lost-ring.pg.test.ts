import { expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { Rings } from './rings.js';
import { createOrders, freshDatabase, holdRemainingMs, sourceId } from './scene.js';

it.each([
  ['was silenced', '0'],
  ['has a hold far ahead', '9e18'],
])('finds a change of a source that %s in the sweep, which brings the bell back to life', async (_, register) => {
  const db = await freshDatabase();
  await createOrders(db);
  const { events } = await startWorker(db.url('worker'), ['mv_orders'], { sweepMs: 1_500 });
  await events.next('refresh.done');
  const rings = await Rings.listen(db);

  await events.next('sweep.done', () => true, events.mark); // the next one is far enough away
  await db.worker.query(`SELECT pg_catalog.setval('refresh_listener.hold_${await sourceId(db, 'orders')}', ${register}::bigint)`);
  const from = events.mark;
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  expect(await events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'sweep', sources: ['public.orders'], inserted: 1 });
  expect(await rings.all()).toEqual([]);

  await expect.poll(() => holdRemainingMs(db, 'orders'), { timeout: 10_000, interval: 10 }).toBeLessThan(1_000);
  const bellFrom = events.mark;
  await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
  await events.next('refresh.done', ({ reason, inserted }) => reason === 'change' && inserted === 1, bellFrom);
  expect(await rings.all()).toEqual([String(await sourceId(db, 'orders'))]);
  expect(events.of('change.unseen')).toEqual([]);
});
