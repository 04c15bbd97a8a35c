import { expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { createOrders, freshDatabase } from './scene.js';

it('starts again without the right to create a schema, once there is one', async () => {
  const db = await freshDatabase();
  await createOrders(db);
  const first = await startWorker(db.url('worker'), ['mv_orders']);
  await first.events.next('refresh.done');
  await first.stop();
  await db.admin.query(`REVOKE CREATE ON DATABASE ${db.name} FROM ${db.roles.worker}`);
  const second = await startWorker(db.url('worker'), ['mv_orders']);
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  await second.events.next('refresh.done', ({ inserted }) => inserted === 1);
  expect(second.events.complaints).toEqual([]);
});

it('shows what was written while no worker was there', async () => {
  const db = await freshDatabase();
  await createOrders(db);
  const first = await startWorker(db.url('worker'), ['mv_orders']);
  await first.events.next('refresh.done');
  await first.stop();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  const second = await startWorker(db.url('worker'), ['mv_orders']);
  expect(await second.events.next('refresh.done')).toMatchObject({ reason: 'start', sources: ['public.orders'], inserted: 1 });
  expect(second.events.of('trigger.installed')).toEqual([]);
});
