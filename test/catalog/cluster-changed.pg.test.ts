import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function restored(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query(`
    CREATE MATERIALIZED VIEW public.mv_a AS SELECT count(*)::int AS n FROM public.orders;
    CREATE MATERIALIZED VIEW public.mv_b AS SELECT max(id) AS n FROM public.orders`);
  return db;
}

/** As a restored dump is: the cursors are those of another cluster, and far ahead of anything that happens here. */
async function pretendAnotherCluster(db: TestDatabase, set: string): Promise<void> {
  await db.worker.query("UPDATE refresh_listener.view SET cursor = '1000000000:1000000000:'");
  await db.worker.query(`UPDATE refresh_listener.cluster SET ${set}`);
}

describe('a database that was restored elsewhere', () => {
  it.each([['another cluster', 'system_identifier = 1'], ['another database of this cluster', 'database_oid = 1']])('%s: everything is absorbed anew', async (_, set) => {
    const db = await restored();
    await (await startServing(db, ['mv_*'])).stop();
    await pretendAnotherCluster(db, set);
    await db.app.query('INSERT INTO public.orders VALUES (5)');
    const worker = await startServing(db, ['mv_*'], sweeping);
    expect(worker.events.of('cluster.changed')).toMatchObject([{ views: ['public.mv_a', 'public.mv_b'] }]);
    expect([await valueOf(db, 'SELECT n FROM public.mv_a'), await valueOf(db, 'SELECT n FROM public.mv_b')]).toEqual([1, 5]);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    // Later changes are followed, by triggers that know the new numbers.
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (6)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'change', sources: ['public.orders'] });
    expect(await valueOf(db, "SELECT count(*)::int FROM pg_catalog.pg_class WHERE relkind = 'S' AND relname ~ '^(log|hold)_'")).toBe(2);
    expect(worker.events.complaints).toEqual([]);
  });

  it('under a running worker', async () => {
    const db = await restored();
    const worker = await startServing(db, ['mv_*'], sweeping);
    const from = worker.events.mark;
    await pretendAnotherCluster(db, 'system_identifier = 1');
    await worker.events.next('cluster.changed', () => true, from);
    for (const view of ['public.mv_a', 'public.mv_b']) await worker.events.next('refresh.done', (done) => done.view === view, from);
    const later = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (6)');
    for (const view of ['public.mv_a', 'public.mv_b']) await worker.events.next('refresh.done', (done) => done.view === view && done.sources.length > 0, later);
    expect([await valueOf(db, 'SELECT n FROM public.mv_a'), await valueOf(db, 'SELECT n FROM public.mv_b')]).toEqual([1, 6]);
  });
});
