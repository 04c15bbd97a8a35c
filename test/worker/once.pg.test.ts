import { describe, expect, it } from 'vitest';
import { makeWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';
import { createOrders, createTable, createView, freshDatabase, holdRemainingMs, sessionsOf, valueOf } from './scene.js';

describe('--once', () => {
  it('refreshes what is stale, upstream first, and ends; and nothing when nothing changed', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_total', 'SELECT count(*)::int AS n FROM public.mv_orders');
    const first = spawnWorker(db.url('worker'), ['mv_orders', 'mv_total'], ['--once']);
    expect(await first.exited).toBe(0);
    expect(first.events.of('ready')).toMatchObject([{ wake: 'once' }]);
    const second = spawnWorker(db.url('worker'), ['mv_orders', 'mv_total'], ['--once']);
    expect(await second.exited).toBe(0);
    expect(second.events.of('refresh.done')).toEqual([]);

    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    const third = spawnWorker(db.url('worker'), ['mv_orders', 'mv_total'], ['--once']);
    expect(await third.exited).toBe(0);
    expect(third.events.of('refresh.done').map(({ view, reason }) => [view, reason])).toEqual([['public.mv_orders', 'start'], ['public.mv_total', 'upstream']]);
    expect(await valueOf(db.worker, 'SELECT n FROM public.mv_total')).toBe(11);
    expect(await sessionsOf(db)).toEqual([]);
  });

  it('gives up a view that keeps failing, goes on with the others, and exits with 1', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createTable(db, 'divisors');
    await createView(db, 'mv_broken', 'SELECT id, 1 / n AS share FROM public.divisors');
    await db.app.query('UPDATE public.divisors SET n = 0 WHERE id = 1');
    const { worker, events } = makeWorker(db.url('worker'), ['mv_orders', 'mv_broken'], { once: true });
    await worker.start();
    expect(await worker.finished).toBe(1);
    expect(events.of('refresh.failed').map(({ view }) => view)).toEqual(Array(3).fill('public.mv_broken'));
    expect(events.of('refresh.done').map(({ view }) => view)).toEqual(['public.mv_orders']);
  });

  it('leaves the bell as it is, unless told to poll: then writers do not ring for nobody', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await makeWorker(db.url('worker'), ['mv_orders'], { once: true }).worker.start();
    expect(await holdRemainingMs(db, 'orders')).toBeLessThan(0);
    await makeWorker(db.url('worker'), ['mv_orders'], { once: true, wake: 'poll' }).worker.start();
    expect(await holdRemainingMs(db, 'orders')).toBe(Infinity);
  });
});
