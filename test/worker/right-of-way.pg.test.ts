import { describe, expect, it } from 'vitest';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { connect, createTable, createView, freshDatabase, valueOf } from './scene.js';

/** A worker whose refresh of mv_orders is held at the gate, with its locks on orders. */
async function scene(key?: string): Promise<{ db: TestDatabase; served: TestWorker; gate: Gate }> {
  const db = await freshDatabase();
  const gate = await Gate.create(db);
  await createTable(db, 'orders');
  await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, key);
  const served = await startWorker(db.url('worker'), ['mv_orders'], { lockTimeoutMs: 60_000 });
  await served.events.next('refresh.done');
  await gate.close();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  await gate.reached();
  return { db, served, gate };
}

async function alter(client: pg.PoolClient, column: string): Promise<void> {
  await client.query(`ALTER TABLE public.orders ADD COLUMN ${column} int`);
}

describe('a refresh in the way of others', () => {
  it('gives way to an ALTER TABLE, so that writers need not queue behind that', async () => {
    const { db, served, gate } = await scene('id');
    const { events } = served;
    await alter(await connect(db.app), 'a');
    expect(await events.next('refresh.yielded')).toMatchObject({ view: 'public.mv_orders', waiters: 1, times: 1, maxTimes: 3 });
    await gate.open();
    await events.next('refresh.done', ({ inserted }) => inserted === 1);
    expect(events.of('refresh.failed')).toEqual([]);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run WHERE error IS NOT NULL')).toBe(0);
  });

  it('does so three times in a row, then runs to its end', async () => {
    const { db, served, gate } = await scene('id');
    const { events } = served;
    const client = await connect(db.app);
    for (let times = 1; times <= 3; times += 1) {
      await alter(client, `c${times}`);
      await events.next('refresh.yielded', (event) => event.times === times);
      await gate.reached();
    }
    const altered = alter(client, 'c4');
    // It is in the way, and is left alone: for longer than it takes to be told to give way.
    await expect.poll(() => blockedSeconds(db), { timeout: 20_000, interval: 20 }).toBeGreaterThan(1);
    expect(events.of('refresh.yielded')).toHaveLength(3);
    await gate.open();
    await altered;
    await events.next('refresh.done', ({ inserted }) => inserted === 1);

    // The count is of those in a row.
    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await gate.reached();
    const from = events.mark;
    await alter(client, 'c5');
    expect(await events.next('refresh.yielded', () => true, from)).toMatchObject({ times: 1 });
    await gate.open();
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
  });

  it('does not give way to readers of a view that is refreshed plainly, since that cannot be otherwise', async () => {
    const { db, served, gate } = await scene();
    const read = db.worker.query('SELECT count(*) FROM public.mv_orders');
    await expect.poll(() => blockedSeconds(db), { timeout: 20_000, interval: 20 }).toBeGreaterThan(1);
    await gate.open();
    await read;
    await served.events.until(() => served.events.of('refresh.done').length === 2);
    expect(served.events.of('refresh.yielded')).toEqual([]);
  });

  it('is in nobody\'s way for reading and writing when it runs concurrently', async () => {
    const { db, served, gate } = await scene('id');
    await db.worker.query('SELECT count(*) FROM public.mv_orders');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await db.app.query('VACUUM ANALYZE public.orders');
    expect(await gate.waiting()).toBe(1);
    await gate.open();
    await served.events.until(() => served.events.of('refresh.done').slice(1).reduce((sum, { inserted }) => sum + (inserted ?? 0), 0) === 2);
    expect(served.events.of('refresh.yielded')).toEqual([]);
  });
});

/** For how long somebody has been waiting for a lock on a relation; 0 when nobody has. */
async function blockedSeconds(db: TestDatabase): Promise<number> {
  return valueOf<number>(
    db.admin,
    `SELECT coalesce(max(date_part('epoch', clock_timestamp() - waitstart)), 0)::float8 FROM pg_locks
     WHERE NOT granted AND locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
}
