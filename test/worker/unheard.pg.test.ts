import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { Rings } from './rings.js';
import { connect, createOrders, freshDatabase, holdRemainingMs, sourceId, valueOf } from './scene.js';

/** As long after the worker's end as its lease and the grace last: the log is still kept, the bell is silent. */
async function letLeaseEnd(db: TestDatabase): Promise<void> {
  await db.worker.query(
    `SELECT pg_catalog.setval($1, (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + 1800000)`,
    [`refresh_listener.log_${await sourceId(db, 'orders')}`],
  );
}

describe('a worker that comes back long after its lease has ended', () => {
  it('finds what was written meanwhile without a ring, also what commits only after its start', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const first = await startWorker(db.url('worker'), ['mv_orders']);
    await first.events.next('refresh.done');
    await first.stop();
    await letLeaseEnd(db);
    const rings = await Rings.listen(db);
    const late = await connect(db.admin);
    await late.query('BEGIN; INSERT INTO public.orders (id, n) VALUES (1000, 1)');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');

    const second = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await second.events.next('refresh.done')).toMatchObject({ reason: 'start', inserted: 1 });
    const from = second.events.mark;
    await late.query('COMMIT');
    expect(await second.events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'change', sources: ['public.orders'], inserted: 1 });
    expect(await rings.all()).toEqual([]);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(12);
    expect(second.events.of('sweep.done')).toHaveLength(1);
  });

  it('is rung for again', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const first = await startWorker(db.url('worker'), ['mv_orders']);
    await first.events.next('refresh.done');
    await first.stop();
    await letLeaseEnd(db);
    const second = await startWorker(db.url('worker'), ['mv_orders']);
    const register = `refresh_listener.hold_${await sourceId(db, 'orders')}`;
    // The look that the start asked for is over when its hold is.
    await db.worker.query(`DO $$ BEGIN
      WHILE coalesce(pg_catalog.pg_sequence_last_value('${register}'), 9e18) > pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 LOOP
        PERFORM pg_catalog.pg_sleep(0.002);
      END LOOP;
    END $$`);
    const rings = await Rings.listen(db);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await second.events.next('refresh.done', ({ inserted }) => inserted === 1);
    expect(await rings.all()).toHaveLength(1);
  });

  it('and polls leaves the bell silent: PREPARE TRANSACTION works', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const poll = { wake: 'poll' } as const;
    const first = await startWorker(db.url('worker'), ['mv_orders'], poll);
    await first.events.next('refresh.done');
    await first.stop();
    await letLeaseEnd(db);
    const second = await startWorker(db.url('worker'), ['mv_orders'], poll);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await second.events.next('refresh.done', ({ inserted }) => inserted === 1);
    expect(await holdRemainingMs(db, 'orders')).toBe(Infinity);
    await (await connect(db.app)).query("BEGIN; INSERT INTO public.orders (n) VALUES (1); PREPARE TRANSACTION 'unheard'");
    await db.app.query("COMMIT PREPARED 'unheard'");
    await second.events.next('refresh.done', ({ inserted }) => inserted === 1, second.events.mark);
  });
});
