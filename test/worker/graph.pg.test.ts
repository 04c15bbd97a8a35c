import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { atRest, countNow, createTable, createView, freshDatabase, valueOf } from './scene.js';

/** Lets two sweeps pass; nothing must come of them, since what a refresh left alone has not changed. */
async function expectQuietSweeps({ events }: TestWorker): Promise<void> {
  await events.next('sweep.done', () => true, events.mark); // one that was under way
  const from = events.mark;
  await events.until(() => events.of('sweep.done', from).length === 2);
  expect(events.of('sweep.done', from)).toMatchObject([{ stale: 0, unseen: 0, healed: 0 }, { stale: 0, unseen: 0, healed: 0 }]);
  expect(events.of('change.unseen')).toEqual([]);
  expect(events.of('refresh.done', from)).toEqual([]);
}

async function settled(db: TestDatabase, { events }: TestWorker, views: number): Promise<void> {
  await events.until(() => events.of('refresh.done').length >= views);
  await expect.poll(() => valueOf(db.worker, 'SELECT bool_and(whole_marks = whole_absorbed) FROM refresh_listener.view'), { timeout: 10_000 }).toBe(true);
}

describe('views over views', () => {
  it('of three levels are refreshed once for a change, each after those that it reads', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_a', 'SELECT id, n FROM public.orders', 'id');
    await createView(db, 'mv_b', 'SELECT n % 3 AS k, count(*) AS c FROM public.mv_a GROUP BY 1', 'k');
    // It reads the table as well: the change reaches it by two ways.
    await createView(db, 'mv_c', 'SELECT b.k, b.c, (SELECT max(id) FROM public.orders) AS last FROM public.mv_b AS b', 'k');
    const served = await startWorker(db.url('worker'), ['mv_*']);
    const { events } = served;
    await settled(db, served, 3);
    // In order at the start, too: a view that is refreshed before its upstream would be refreshed twice.
    expect(events.of('refresh.done').map(({ view }) => view)).toEqual(['public.mv_a', 'public.mv_b', 'public.mv_c']);

    for (let change = 0; change < 5; change += 1) {
      await atRest(db);
      const from = events.mark;
      await db.app.query('INSERT INTO public.orders (n) VALUES ($1)', [change]);
      await events.next('refresh.done', ({ view }) => view === 'public.mv_c', from);
      expect(events.of('refresh.done', from).map(({ view }) => view)).toEqual(['public.mv_a', 'public.mv_b', 'public.mv_c']);
      expect(await valueOf(db.worker, 'SELECT sum(c)::int FROM public.mv_c')).toBe(11 + change);
    }
    await served.stop();
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run')).toBe(18);
  });

  it('that are not populated are filled in the order of the graph, whatever order they were created in', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    // A chain of five, created and named in no order: each reads the one before through a plain view defined anew.
    const chain = ['mv_c', 'mv_a', 'mv_e', 'mv_b', 'mv_d'];
    for (const name of [...chain].sort().reverse()) {
      await db.worker.query(`CREATE VIEW public.below_${name} AS SELECT id, n FROM public.orders`);
      await createView(db, name, `SELECT id, n FROM public.below_${name} WHERE n > 2`, 'id');
    }
    for (const [place, name] of chain.entries()) {
      if (place > 0) await db.worker.query(`CREATE OR REPLACE VIEW public.below_${name} AS SELECT id, n FROM public.${chain[place - 1] ?? ''}`);
      await db.worker.query(`REFRESH MATERIALIZED VIEW public.${name} WITH NO DATA`);
    }
    const served = await startWorker(db.url('worker'), ['mv_*']);
    await settled(db, served, chain.length);
    expect(served.events.of('refresh.failed')).toEqual([]);
    expect(served.events.of('refresh.done').map(({ view }) => view)).toEqual(chain.map((name) => `public.${name}`));
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_d')).toBe(8);
  });

  it('are left alone when a concurrent refresh below them changed no row', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_a', 'SELECT id FROM public.orders', 'id');
    await createView(db, 'mv_b', 'SELECT count(*) AS c FROM public.mv_a', 'c');
    const served = await startWorker(db.url('worker'), ['mv_*'], { sweepMs: 700 });
    await settled(db, served, 2);
    const from = served.events.mark;
    await db.app.query('UPDATE public.orders SET n = n + 1'); // of n the views know nothing
    expect(await served.events.next('refresh.done', () => true, from)).toMatchObject({
      view: 'public.mv_a', plan: 'concurrent', inserted: 0, updated: 0, deleted: 0,
    });
    await expectQuietSweeps(served);
    expect(served.events.of('refresh.done', from)).toHaveLength(1);

    const changedFrom = served.events.mark;
    await db.app.query('DELETE FROM public.orders WHERE id = 1');
    expect(await served.events.next('refresh.done', ({ view }) => view === 'public.mv_b', changedFrom)).toMatchObject({ reason: 'upstream' });
    await expectQuietSweeps(served);
  });

  it('are left alone when a plain refresh below them gave the same rows', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_a', 'SELECT id FROM public.orders');
    await createView(db, 'mv_b', 'SELECT count(*) AS c FROM public.mv_a', 'c');
    const served = await startWorker(db.url('worker'), ['mv_*'], { sweepMs: 700 });
    await settled(db, served, 2);
    const from = served.events.mark;
    await db.app.query('UPDATE public.orders SET n = n + 1');
    expect(await served.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_a', plan: 'plain' });
    await expectQuietSweeps(served);
    expect(served.events.of('refresh.done', from)).toHaveLength(1);

    const changedFrom = served.events.mark;
    await db.app.query('DELETE FROM public.orders WHERE id = 1');
    await served.events.next('refresh.done', ({ view }) => view === 'public.mv_b', changedFrom);
    await expectQuietSweeps(served);
  });

  it('are left alone when only rows with a NULL in their key were written anew, and follow when one of those changed', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await db.app.query(`INSERT INTO public.orders (n) VALUES (NULL), (NULL); ${countNow}`);
    await createView(db, 'mv_a', 'SELECT n, count(*) AS c FROM public.orders GROUP BY 1', 'n');
    await createView(db, 'mv_b', 'SELECT sum(c) AS total FROM public.mv_a', 'total');
    const served = await startWorker(db.url('worker'), ['mv_*'], { sweepMs: 700 });
    await settled(db, served, 2);
    const from = served.events.mark;
    await db.app.query('UPDATE public.orders SET id = id + 100');
    expect(await served.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_a', inserted: 0, deleted: 0 });
    await expectQuietSweeps(served);
    expect(served.events.of('refresh.done', from)).toHaveLength(1);

    const changedFrom = served.events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (NULL)');
    await served.events.next('refresh.done', ({ view }) => view === 'public.mv_b', changedFrom);
    expect(await valueOf(db.worker, 'SELECT total::int FROM public.mv_b')).toBe(13);
    await expectQuietSweeps(served);
  });
});
