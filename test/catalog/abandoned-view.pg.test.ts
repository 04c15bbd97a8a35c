import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { ownDatabase, quiet, startServing, sweeps, valueOf } from './worker-scene.js';

const shortLapse = { sweepMs: 300, lapseMs: 2_000 };
const triggers = `
  SELECT coalesce(array_agg(c.relname::text ORDER BY c.relname), '{}') FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  WHERE t.tgname = 'refresh_listener'`;
const registers = "SELECT count(*)::int FROM pg_class WHERE relkind = 'S' AND relname ~ '^(log|hold)_'";

/** orders <- mv_orders; shared <- both; items <- mv_items. The tables belong to the application. */
async function twoViews(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int); CREATE TABLE public.items (id int); CREATE TABLE public.shared (id int)');
  await db.worker.query(`
    CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*)::int AS n FROM (SELECT FROM public.orders UNION ALL SELECT FROM public.shared) AS t;
    CREATE MATERIALIZED VIEW public.mv_items AS SELECT count(*)::int AS n FROM (SELECT FROM public.items UNION ALL SELECT FROM public.shared) AS t`);
  return db;
}

describe('a view that nobody has served for the lapse', () => {
  it('loses its trigger, registers and rows, by a worker with another list that does not own the table', async () => {
    const db = await twoViews();
    const both = await startServing(db, ['mv_orders', 'mv_items'], shortLapse);
    expect(await valueOf(db, triggers, 'admin')).toEqual(['items', 'orders', 'shared']);
    await both.stop();

    const worker = await startWorker(db.url('worker'), ['mv_items'], shortLapse);
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    expect(await worker.events.next('view.removed')).toMatchObject({ view: 'public.mv_orders' });
    expect(await worker.events.next('trigger.removed')).toMatchObject({ source: 'public.orders' });
    expect(await valueOf(db, triggers, 'admin')).toEqual(['items', 'shared']);
    expect(await valueOf(db, registers, 'admin')).toBe(4);
    expect(await valueOf(db, 'SELECT array_agg(name) FROM refresh_listener.view')).toEqual(['public.mv_items']);
    expect(await valueOf(db, 'SELECT array_agg(name ORDER BY name) FROM refresh_listener.source')).toEqual(['public.items', 'public.shared']);
    expect(await valueOf(db, 'SELECT count(*)::int FROM refresh_listener.change_log WHERE source NOT IN (SELECT id FROM refresh_listener.source) AND source <> 0')).toBe(0);
    await db.app.query('INSERT INTO public.orders VALUES (2)');

    // The trigger that another view still needs is as it was.
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.shared VALUES (1)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_items', sources: ['public.shared'] });
    expect(worker.events.of('log.lapsed')).toEqual([]);
    expect(worker.events.of('trigger.healed')).toEqual([]);
    expect(worker.events.complaints).toEqual([]);
  });

  it('is absorbed whole when it is served again', async () => {
    const db = await twoViews();
    await (await startServing(db, ['mv_orders', 'mv_items'], shortLapse)).stop();
    const other = await startWorker(db.url('worker'), ['mv_items'], shortLapse);
    await other.events.next('trigger.removed');
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    const again = await startServing(db, ['mv_orders']);
    expect(again.events.of('trigger.installed')).toMatchObject([{ source: 'public.orders' }]);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(1);
  });
});

describe('a view that another worker serves', () => {
  it('keeps its trigger for longer than the lapse, and neither worker sees a lapse of the log', async () => {
    const db = await twoViews();
    const [orders, items] = [await startServing(db, ['mv_orders'], shortLapse), await startServing(db, ['mv_items'], shortLapse)];
    // 10 sweeps of 300 ms: longer than a lease and the lapse would last if they were not renewed.
    for (const worker of [orders, items]) for (const done of await sweeps(worker, 10)) expect(done).toMatchObject(quiet);
    expect(await valueOf(db, triggers, 'admin')).toEqual(['items', 'orders', 'shared']);
    for (const { events } of [orders, items]) {
      expect([...events.of('view.removed'), ...events.of('trigger.removed'), ...events.of('log.lapsed')]).toEqual([]);
      expect(events.of('refresh.done')).toHaveLength(1);
    }
  });
});
