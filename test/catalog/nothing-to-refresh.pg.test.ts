import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { inOwnSession, ownDatabase, quiet, sessionGone, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function orders(): Promise<TestDatabase> {
  const db = await ownDatabase();
  // No autovacuum: an ANALYZE and a rollback in the same moment cannot be told from a change.
  await db.app.query('CREATE TABLE public.orders (id int) WITH (autovacuum_enabled = false); INSERT INTO public.orders SELECT generate_series(1, 1000)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*)::int AS n FROM public.orders');
  return db;
}

async function countedOrders(): Promise<{ db: TestDatabase; worker: TestWorker }> {
  const db = await orders();
  return { db, worker: await startServing(db, ['mv'], sweeping) };
}

/** Several sweeps in which nothing was stale, and no refresh since `from`; then a change shows that the worker is awake. */
async function expectNoRefresh(db: TestDatabase, { events, ...worker }: TestWorker, from: number): Promise<void> {
  expect(await sweeps({ events, ...worker }, 3)).toMatchObject([quiet, quiet, quiet]);
  expect(events.of('refresh.done', from)).toEqual([]);
  await db.app.query('INSERT INTO public.orders VALUES (0)');
  expect(await events.next('refresh.done', () => true, from)).toMatchObject({ sources: ['public.orders'] });
}

const insertedRows = "SELECT pg_catalog.pg_stat_get_tuples_inserted('public.orders'::pg_catalog.regclass)::int";

describe('what causes no refresh', () => {
  it('tables at rest', async () => {
    const { db, worker } = await countedOrders();
    await expectNoRefresh(db, worker, worker.events.mark);
  });

  it.each(['ANALYZE public.orders', 'VACUUM public.orders', 'VACUUM (ANALYZE, FREEZE) public.orders', 'CREATE INDEX ON public.orders (id)', 'REINDEX TABLE public.orders', "COMMENT ON TABLE public.orders IS 'x'"])('%s', async (statement) => {
    const { db, worker } = await countedOrders();
    const from = worker.events.mark;
    await inOwnSession(db, 'app', statement);
    await expectNoRefresh(db, worker, from);
  });

  it.each([
    ['a transaction', 'BEGIN; INSERT INTO public.orders SELECT generate_series(1, 50); UPDATE public.orders SET id = 0; ROLLBACK'],
    ['a savepoint', 'BEGIN; SAVEPOINT a; INSERT INTO public.orders SELECT generate_series(1, 50); ROLLBACK TO a; COMMIT'],
    ['a statement that failed', 'DO $$ BEGIN INSERT INTO public.orders SELECT generate_series(1, 50); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$'],
  ])('%s that is rolled back, though the row counters have moved', async (_, statement) => {
    const { db, worker } = await countedOrders();
    const [from, before] = [worker.events.mark, await valueOf(db, insertedRows)];
    for (let i = 0; i < 3; i += 1) await inOwnSession(db, 'app', statement);
    expect(await valueOf(db, insertedRows)).toBe(Number(before) + 150);
    await expectNoRefresh(db, worker, from);
  });

  it('a rollback, an ANALYZE and another rollback, with sweeps between them', async () => {
    const { db, worker } = await countedOrders();
    const from = worker.events.mark;
    for (const statement of ['BEGIN; DELETE FROM public.orders; ROLLBACK', 'ANALYZE public.orders', 'BEGIN; DELETE FROM public.orders; ROLLBACK']) {
      await inOwnSession(db, 'app', statement);
      expect(await sweeps(worker, 1)).toMatchObject([quiet]);
    }
    await expectNoRefresh(db, worker, from);
  });

  it('statements that change no row', async () => {
    const { db, worker } = await countedOrders();
    const from = worker.events.mark;
    await inOwnSession(db, 'app', 'UPDATE public.orders SET id = 0 WHERE false', 'DELETE FROM public.orders WHERE id < 0');
    await expectNoRefresh(db, worker, from);
  });

  it('row counters that a session reports later than it commits: two quick writes, and then idle', async () => {
    const db = await orders();
    // It hears of both writes at once; no sweep comes between a commit and its report.
    const first = await startServing(db, ['mv']);
    const session = await db.app.connect();
    const { rows } = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    for (let i = 0; i < 2; i += 1) {
      const from = first.events.mark;
      await session.query('INSERT INTO public.orders VALUES (1)');
      await first.events.next('refresh.done', () => true, from);
    }
    await first.stop();
    // A session reports at most once a second, and what is left after ten or when it ends.
    session.release(true);
    await sessionGone(db, rows[0]?.pid ?? 0);
    const second = await startWorker(db.url('worker'), ['mv'], sweeping);
    expect(second.events.of('sweep.done')[0]).toMatchObject(quiet);
    await expectNoRefresh(db, second, 0);
  });
});
