import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { inOwnSession, ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function twoLevels(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (customer int, amount int); INSERT INTO public.orders VALUES (1, 10)');
  await db.worker.query(`
    CREATE MATERIALIZED VIEW public.mv_low AS SELECT customer, sum(amount)::int AS total FROM public.orders GROUP BY 1;
    CREATE UNIQUE INDEX ON public.mv_low (customer);
    CREATE MATERIALIZED VIEW public.mv_top AS SELECT sum(total)::int AS total FROM public.mv_low`);
  return db;
}
const topTotal = 'SELECT total FROM public.mv_top';

describe('an upstream view that somebody else refreshes', () => {
  it.each([
    ['plainly', 'REFRESH MATERIALIZED VIEW public.mv_low', 'storage'],
    ['concurrently', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_low', 'counters'],
  ])('%s, and that this worker does not serve: the view over it follows', async (_, refresh, because) => {
    const db = await twoLevels();
    const worker = await startServing(db, ['mv_top'], sweeping);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (2, 5)');
    // Its table is no source of the view above: nothing to refresh until somebody refreshes the one between.
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    await inOwnSession(db, 'worker', refresh);
    expect(await worker.events.next('change.unseen', () => true, from)).toMatchObject({ source: 'public.mv_low', views: ['public.mv_top'], because });
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, topTotal)).toBe(15);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it.each([
    ['plainly', 'REFRESH MATERIALIZED VIEW public.mv_low'],
    ['concurrently', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_low'],
  ])('%s, before the worker came to it: its own refresh changes nothing, and the view above follows nevertheless', async (_, refresh) => {
    const db = await twoLevels();
    const worker = await startServing(db, ['mv_top', 'mv_low'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'admin', `BEGIN; INSERT INTO public.orders VALUES (2, 5); ${refresh}; COMMIT`);
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_top', from);
    expect(await valueOf(db, topTotal)).toBe(15);
    expect(worker.events.of('refresh.done', from)[0]).toMatchObject({ view: 'public.mv_low', inserted: 0, deleted: 0 });
  });

  it('concurrently, without any difference: nothing follows', async () => {
    const db = await twoLevels();
    const worker = await startServing(db, ['mv_top'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'worker', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_low');
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toEqual([]);
  });

  it('by another worker: its log row tells, and nothing is unseen', async () => {
    const db = await twoLevels();
    const top = await startServing(db, ['mv_top'], sweeping);
    const low = await startServing(db, ['mv_low']);
    const from = top.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (2, 5)');
    expect(await top.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_top', sources: ['public.mv_low'] });
    expect(await valueOf(db, topTotal)).toBe(15);
    expect(await sweeps(top)).toMatchObject([quiet, quiet]);
    expect(top.events.of('change.unseen')).toEqual([]);
    expect(low.events.of('refresh.done').at(-1)).toMatchObject({ view: 'public.mv_low', inserted: 1 });
  });
});
