import { describe, expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { Rings } from './rings.js';
import { connect, createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

describe('polling mode', () => {
  it('finds changes while no trigger ever notifies', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { wake: 'poll' });
    expect(await events.next('ready')).toMatchObject({ wake: 'poll' });
    await events.next('refresh.done');
    const rings = await Rings.listen(db);
    for (let change = 0; change < 3; change += 1) {
      const from = events.mark;
      await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
      await events.next('refresh.done', ({ inserted, reason }) => inserted === 1 && reason === 'change', from);
    }
    expect(await rings.all()).toEqual([]);
    expect(events.of('sweep.done')).toHaveLength(1);
  });

  it('lets the application prepare transactions, and finds them once they commit', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { wake: 'poll' });
    await events.next('refresh.done');
    const writer = await connect(db.app);
    const gid = `${db.name}_prepared`;
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (1)');
    await writer.query(`PREPARE TRANSACTION '${gid}'`);

    // A change made after it is found, and it is not: its time has not come.
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);

    const preparedFrom = events.mark;
    await writer.query(`COMMIT PREPARED '${gid}'`);
    await events.next('refresh.done', ({ inserted, reason }) => inserted === 1 && reason === 'change', preparedFrom);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(12);
  });

  it('is needed for prepared transactions: with notifications they fail, as PostgreSQL has it', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    const writer = await connect(db.app);
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (1)');
    await expect(writer.query(`PREPARE TRANSACTION '${db.name}'`)).rejects.toThrow('NOTIFY');
  });

  it('silences sources that join later', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_*'], { wake: 'poll', sweepMs: 300 });
    await events.next('refresh.done');
    await createTable(db, 'customers');
    await createView(db, 'mv_customers', 'SELECT id, n FROM public.customers', 'id');
    await events.next('refresh.done', ({ view }) => view === 'public.mv_customers');
    const rings = await Rings.listen(db);
    const from = events.mark;
    await db.app.query('INSERT INTO public.customers (n) VALUES (1)');
    await events.next('refresh.done', ({ view, inserted }) => view === 'public.mv_customers' && inserted === 1, from);
    expect(await rings.all()).toEqual([]);
  });
});
