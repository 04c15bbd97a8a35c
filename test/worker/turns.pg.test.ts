import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { createOrders, createTable, createView, freshDatabase, sessionsOf, valueOf } from './scene.js';

const views = ['mv_1', 'mv_2', 'mv_3'];

/** Three views of one table, each with a gate of its own; all gates closed, and a change that makes all three due. */
async function scene(concurrency: number): Promise<{ db: TestDatabase; served: TestWorker; gates: Gate[] }> {
  const db = await freshDatabase();
  await createTable(db, 'orders');
  const gates: Gate[] = [];
  for (const [index, view] of views.entries()) {
    const gate = await Gate.create(db, index + 1);
    gates.push(gate);
    await createView(db, view, `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
  }
  const served = await startWorker(db.url('worker'), views, { concurrency, lockTimeoutMs: 60_000 });
  await served.events.until(() => served.events.of('refresh.done').length === views.length);
  for (const gate of gates) await gate.close();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  return { db, served, gates };
}

/** At which gates somebody waits. */
async function reached(gates: readonly Gate[]): Promise<number[]> {
  const waiting = await Promise.all(gates.map((gate) => gate.waiting()));
  return waiting.flatMap((count, index) => (count > 0 ? [index] : []));
}

/** The most refreshes that ran at the same time, by the record of runs. */
async function mostAtOnce(db: TestDatabase): Promise<number> {
  return valueOf<number>(
    db.worker,
    `SELECT max((SELECT count(*) FROM refresh_listener.run AS o
                 WHERE o.started_at <= r.started_at
                   AND o.started_at + pg_catalog.make_interval(secs => o.duration_ms / 1000) > r.started_at))::int
     FROM refresh_listener.run AS r`,
  );
}

describe('the worker refreshes', () => {
  it.each([1, 2])('no more views at a time than --concurrency %i allows, and as many', async (concurrency) => {
    const { db, served, gates } = await scene(concurrency);
    const from = served.events.mark;
    for (let left = views.length; left > 0; left -= 1) {
      await expect.poll(async () => (await reached(gates)).length, { timeout: 20_000, interval: 10 }).toBe(Math.min(concurrency, left));
      expect(await sessionsOf(db, 'absorb')).toHaveLength(concurrency);
      const [next = 0] = await reached(gates);
      const doneFrom = served.events.mark;
      await gates[next]?.open();
      await served.events.next('refresh.done', () => true, doneFrom);
    }
    expect(served.events.of('refresh.done', from).map(({ view }) => view).sort()).toEqual(views.map((view) => `public.${view}`));
    expect(await mostAtOnce(db)).toBe(concurrency);
  });

  it('a slow view at most half of the time: it rests as long as it took', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_slow', 'SELECT id, n FROM public.orders, pg_sleep(0.5)', 'id');
    const { events } = await startWorker(db.url('worker'), ['mv_slow']);
    await events.next('refresh.done');
    const from = events.mark;
    for (let change = 0; events.of('refresh.done', from).length < 3; change += 1) {
      await db.app.query('INSERT INTO public.orders (n) SELECT $1 FROM pg_sleep(0.05)', [change]);
    }
    const { rows } = await db.worker.query<{ rest: number; took: number }>(
      `SELECT pg_catalog.date_part('epoch', next_start - started_at) * 1000 - duration_ms AS rest, duration_ms AS took
       FROM (SELECT started_at, duration_ms, lead(started_at) OVER (ORDER BY started_at) AS next_start FROM refresh_listener.run) AS r
       WHERE next_start IS NOT NULL`,
    );
    expect(rows).toHaveLength(3);
    for (const { rest, took } of rows) expect(rest).toBeGreaterThanOrEqual(took * 0.9);
  });

  it('other views while one rests', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_slow', 'SELECT id, n FROM public.orders, pg_sleep(1)', 'id');
    const { events } = await startWorker(db.url('worker'), ['mv_slow', 'mv_orders']);
    await events.next('refresh.done', ({ view }) => view === 'public.mv_slow');
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ view }) => view === 'public.mv_slow', from);
    expect(events.of('refresh.done', from).map(({ view }) => view)).toEqual(['public.mv_orders', 'public.mv_slow']);
  });
});
