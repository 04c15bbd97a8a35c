import { describe, expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import { createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

const everySecond = '* * * * * *';

describe('views that change without a write', () => {
  it('are refreshed by age, changed or not, and no oftener', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_clock', 'SELECT clock_timestamp() AS at', 'at');
    const { events } = await startWorker(db.url('worker'), ['mv_orders', 'mv_clock'], {
      overrides: [{ pattern: parseViewPattern('mv_clock'), settings: { maxAgeMs: 700 } }],
    });
    await events.next('refresh.done', (done) => done.view === 'public.mv_clock' && done.reason === 'start');
    for (let i = 0; i < 3; i += 1) await events.next('refresh.done', (done) => done.reason === 'schedule', events.mark);
    const shortest = await valueOf<number>(db.worker, `
      SELECT min(gap)::float8 FROM (
        SELECT pg_catalog.date_part('epoch', started_at - lag(started_at) OVER (ORDER BY started_at)) * 1000 AS gap
        FROM refresh_listener.run WHERE view = (SELECT id FROM refresh_listener.view WHERE name = 'public.mv_clock')) AS g`);
    expect(shortest).toBeGreaterThanOrEqual(700);
    expect(events.of('refresh.done').filter((done) => done.reason === 'schedule' && done.view !== 'public.mv_clock')).toEqual([]);
  });

  it('are told of at the start, unless a time is set for them', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_clock', 'SELECT now() AS at');
    const views = ['mv_orders', 'mv_clock'];
    const first = await startWorker(db.url('worker'), views);
    expect(await first.events.next('view.timeless')).toEqual({ event: 'view.timeless', view: 'public.mv_clock', because: ['reads the clock by now()'] });
    await first.stop();
    const second = await startWorker(db.url('worker'), views, { schedule: '0 0 * * *', sweepMs: 100 });
    await second.events.until(() => second.events.of('sweep.done').length >= 3);
    expect([...first.events.of('view.timeless').slice(1), ...second.events.of('view.timeless')]).toEqual([]);
  });

  it('are refreshed by schedule, by one of several workers', async () => {
    const db = await freshDatabase();
    await createView(db, 'mv_clock', 'SELECT clock_timestamp() AS at');
    const workers = [
      await startWorker(db.url('worker'), ['mv_clock'], { schedule: everySecond }),
      await startWorker(db.url('worker'), ['mv_clock'], { schedule: everySecond }),
    ];
    const scheduled = (): number => workers.flatMap(({ events }) => events.of('refresh.done')).filter(({ reason }) => reason === 'schedule').length;
    await expect.poll(scheduled, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
    await Promise.all(workers.map((worker) => worker.stop()));
    const { rows } = await db.worker.query<{ second: string }>(
      `SELECT pg_catalog.date_trunc('second', started_at)::text AS second FROM refresh_listener.run WHERE reason = 'schedule'`,
    );
    // One absorb a tick: none began twice within the same second.
    expect(new Set(rows.map(({ second }) => second)).size).toBe(rows.length);
  });

  it('make up for a time that passed while no worker was running', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const first = await startWorker(db.url('worker'), ['mv_orders']);
    await first.events.next('refresh.done');
    await first.stop();
    await db.worker.query(`UPDATE refresh_listener.view SET absorbed_at = absorbed_at - interval '2 hours'`);
    const second = await startWorker(db.url('worker'), ['mv_orders'], { schedule: '0 * * * *' });
    expect(await second.events.next('refresh.done')).toMatchObject({ reason: 'schedule', sources: [], view: 'public.mv_orders' });
  });

  it('that a change refreshed meanwhile are not yet of age', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv', 'SELECT count(*) AS n FROM public.orders');
    const { events } = await startWorker(db.url('worker'), ['mv'], { maxAgeMs: 2_000 });
    await events.next('refresh.done', ({ reason }) => reason === 'schedule');
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ reason }) => reason === 'change', from);
    await events.next('refresh.done', ({ reason }) => reason === 'schedule', from);
    const { rows } = await db.worker.query<{ reason: string; gap: number }>(`
      SELECT reason, pg_catalog.date_part('epoch', started_at - lag(started_at) OVER (ORDER BY started_at)) * 1000 AS gap
      FROM refresh_listener.run ORDER BY started_at DESC LIMIT 2`);
    expect(rows.map(({ reason }) => reason)).toEqual(['schedule', 'change']);
    expect(rows[0]?.gap).toBeGreaterThanOrEqual(2_000);
    expect(rows[1]?.gap).toBeLessThan(2_000);
  });
});
