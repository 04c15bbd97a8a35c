import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { connect, createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

interface ViewRecord {
  last_error: string | null;
  consecutive_failures: number;
}

async function recordOf(db: TestDatabase, view: string): Promise<ViewRecord> {
  return valueOf<ViewRecord>(
    db.worker,
    `SELECT pg_catalog.json_build_object('last_error', last_error, 'consecutive_failures', consecutive_failures)
     FROM refresh_listener.view WHERE name = $1`,
    [`public.${view}`],
  );
}

/** mv_ratio fails while a row of orders has n = 0; mv_ratio_sum reads it, and orders too; mv_orders does not care. */
async function scene(): Promise<{ db: TestDatabase; served: TestWorker }> {
  const db = await freshDatabase();
  await createOrders(db);
  await createView(db, 'mv_ratio', 'SELECT id, 100 / n AS ratio FROM public.orders', 'id');
  await createView(db, 'mv_ratio_sum', 'SELECT 1 AS one, sum(ratio) AS total, (SELECT max(id) FROM public.orders) AS last FROM public.mv_ratio', 'one');
  const served = await startWorker(db.url('worker'), ['mv_orders', 'mv_ratio', 'mv_ratio_sum']);
  await served.events.until(() => served.events.of('refresh.done').length === 3);
  return { db, served };
}

describe('a view that fails', () => {
  it('is tried again ever later, written down, and mended by itself when its cause is gone; other views go on', async () => {
    const { db, served } = await scene();
    const { events } = served;
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (id, n) VALUES (1000, 0)');
    const third = await events.next('refresh.failed', ({ attempt }) => attempt === 3);
    expect(third).toMatchObject({ view: 'public.mv_ratio', sqlstate: '22012', kind: 'permanent', error: 'division by zero' });
    const failed = events.of('refresh.failed', from);
    expect(failed.map(({ attempt, view }) => `${view} ${attempt}`)).toEqual(['public.mv_ratio 1', 'public.mv_ratio 2', 'public.mv_ratio 3']);
    // At least half of the base doubled each time: 50, 100, 200 ms.
    failed.forEach(({ retryInMs }, index) => expect(retryInMs).toBeGreaterThanOrEqual(50 * 2 ** index));
    await expect.poll(async () => (await recordOf(db, 'mv_ratio')).consecutive_failures).toBeGreaterThanOrEqual(3);
    expect((await recordOf(db, 'mv_ratio')).last_error).toBe('division by zero');

    // The others: mv_orders has followed, mv_ratio_sum waits and is not refreshed in vain.
    await events.next('refresh.done', ({ view, inserted }) => view === 'public.mv_orders' && inserted === 1, from);
    expect(events.of('refresh.done', from).map(({ view }) => view)).toEqual(['public.mv_orders']);

    const mendedFrom = events.mark;
    await db.app.query('UPDATE public.orders SET n = 50 WHERE id = 1000');
    expect(await events.next('refresh.done', ({ view }) => view === 'public.mv_ratio', mendedFrom)).toMatchObject({ inserted: 1 });
    await events.next('refresh.done', ({ view }) => view === 'public.mv_ratio_sum', mendedFrom);
    expect(await recordOf(db, 'mv_ratio')).toEqual({ last_error: null, consecutive_failures: 0 });
    expect(await valueOf(db.worker, 'SELECT total::int FROM public.mv_ratio_sum')).toBe(await valueOf(db.app, 'SELECT sum(100 / n)::int FROM public.orders'));
  });

  it('leaves a run with its error for every try', async () => {
    const { db, served } = await scene();
    await db.app.query('INSERT INTO public.orders (id, n) VALUES (1000, 0)');
    await served.events.next('refresh.failed', ({ attempt }) => attempt === 2);
    const sql = `SELECT pg_catalog.to_json(r) FROM refresh_listener.run AS r WHERE r.error IS NOT NULL ORDER BY r.id LIMIT 1`;
    await expect.poll(() => valueOf(db.worker, sql)).toMatchObject({
      sqlstate: '22012', error: 'division by zero', plan: null, reason: 'change', inserted: null, staleness_ms: null, sources: [],
    });
  });

  it('does so too when its data break its unique index', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_by_n', 'SELECT n FROM public.orders', 'n');
    const { events } = await startWorker(db.url('worker'), ['mv_by_n']);
    await events.next('refresh.done');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.failed')).toMatchObject({
      kind: 'permanent', error: expect.stringContaining('contains duplicate rows') as string,
    });
    const from = events.mark;
    await db.app.query('UPDATE public.orders SET n = 77 WHERE id > 10');
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
  });

  it('for a moment, since somebody holds a lock on it, is tried again soon', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { lockTimeoutMs: 100 });
    await events.next('refresh.done');
    const holder = await connect(db.worker);
    await holder.query('BEGIN');
    await holder.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_orders');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.failed', ({ attempt }) => attempt === 2)).toMatchObject({ kind: 'transient', sqlstate: '55P03' });
    await holder.query('COMMIT');
    await events.next('refresh.done', ({ inserted }) => inserted === 1);
    await expect.poll(() => recordOf(db, 'mv_orders')).toEqual({ last_error: null, consecutive_failures: 0 });
  });

  it('for its time limit is cancelled and tried again', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createTable(db, 'pace', 1);
    await createView(db, 'mv_slow', 'SELECT o.id, o.n FROM public.orders AS o WHERE (SELECT pg_sleep(p.n / 10.0) FROM public.pace AS p) IS NOT NULL', 'id');
    const { events } = await startWorker(db.url('worker'), ['mv_slow'], { refreshTimeoutMs: 700 });
    await events.next('refresh.done');
    await db.app.query('UPDATE public.pace SET n = 300');
    const failed = await events.next('refresh.failed', ({ attempt }) => attempt === 2);
    expect(failed).toMatchObject({ kind: 'cancelled', sqlstate: '57014', error: 'canceling statement due to statement timeout' });
    expect(failed.durationMs).toBeLessThan(5_000);
    const from = events.mark;
    await db.app.query('UPDATE public.pace SET n = 0');
    await events.next('refresh.done', () => true, from);
    expect(events.of('refresh.yielded')).toEqual([]);
  });
});
