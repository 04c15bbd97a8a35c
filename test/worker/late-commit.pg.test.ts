import { describe, expect, it } from 'vitest';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Rings } from './rings.js';
import { connect, createOrders, freshDatabase, sourceId, valueOf } from './scene.js';

/** A worker that is quiet, and a transaction that has written in silence, inside a hold, and is still open. */
async function silentWrite(db: TestDatabase): Promise<{ served: TestWorker; writer: pg.PoolClient; rings: Rings }> {
  await createOrders(db);
  // The hold is a quarter of the debounce.
  const served = await startWorker(db.url('worker'), ['mv_orders'], { debounceMs: 1_200, maxWaitMs: 1_200 });
  await served.events.next('refresh.done');
  const writer = await connect(db.admin);
  const rings = await Rings.listen(db);
  const register = `refresh_listener.hold_${await sourceId(db, 'orders')}`;
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)'); // rings
  await writer.query('BEGIN');
  // Waits for the hold on the server, since it is short.
  await writer.query(`DO $$ BEGIN
    WHILE coalesce(pg_sequence_last_value('${register}'), 0) < date_part('epoch', clock_timestamp()) * 1000 LOOP
      PERFORM pg_sleep(0.002);
    END LOOP;
    INSERT INTO public.orders (id, n) VALUES (1000, 1);
  END $$`);
  // The first ring's refresh comes long after the look at the end of its hold.
  await served.events.next('refresh.done', ({ reason }) => reason === 'change');
  expect(await rings.all()).toHaveLength(1);
  expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
  return { served, writer, rings };
}

describe('a write that slips through the hold', () => {
  it('is found without a ring and without the sweep when its transaction commits after the look', async () => {
    const db = await freshDatabase();
    const { served, writer, rings } = await silentWrite(db);
    const from = served.events.mark;
    await writer.query('COMMIT');
    expect(await served.events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'change', sources: ['public.orders'], inserted: 1 });
    expect(await rings.all()).toHaveLength(1);
    expect(served.events.of('sweep.done')).toHaveLength(1);
  });

  it('is found promptly when its transaction is open over many holds', async () => {
    const db = await freshDatabase();
    const { served, writer, rings } = await silentWrite(db);
    await writer.query('SELECT pg_sleep(3)'); // ten holds
    const from = served.events.mark;
    await writer.query('COMMIT');
    const committedAt = performance.now();
    await served.events.next('refresh.done', ({ inserted }) => inserted === 1, from);
    // At most the slowest pace, 5 s, and the debounce.
    expect(performance.now() - committedAt).toBeLessThan(9_000);
    expect(await rings.all()).toHaveLength(1);
    expect(served.events.of('sweep.done')).toHaveLength(1);
  });
});
