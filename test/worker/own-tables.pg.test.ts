import { expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import { startOwnServer } from '../support/own-server.js';
import { startWorker } from '../support/test-worker.js';
import { connect, sourceId, valueOf } from './scene.js';

const kB = 1024;
const MB = 1024 * kB;
const historyMs = 1_000;

/** Bytes of the worker's own tables with their indexes, by name. */
async function sizes(db: TestDatabase): Promise<Record<'change_log' | 'gap' | 'run' | 'view' | 'watermark', number>> {
  return valueOf(db.worker, `SELECT pg_catalog.jsonb_object_agg(c.relname, pg_catalog.pg_total_relation_size(c.oid)) FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'refresh_listener'::regnamespace AND c.relname IN ('change_log', 'gap', 'run', 'view', 'watermark')`);
}

/** As so many statements of the application write into the log, but quicker. */
async function writeLog(db: TestDatabase, statements: number): Promise<void> {
  await db.worker.query(
    `INSERT INTO refresh_listener.change_log (source, operation) SELECT $1, 'I' FROM generate_series(1, $2)`, [await sourceId(db, 'events'), statements],
  );
}

it('the tables of the worker stay small under constant load, and become small again after a long transaction', { timeout: 120_000 }, async (context) => {
  // On a server of its own: a transaction in any database of the cluster keeps rows of the log from being deleted.
  const server = await startOwnServer(context);
  const db = await eventsAndSummary({ adminUrl: server.url });
  const { events } = await startWorker(db.url('worker'), ['hourly', 'mv_events'], { debounceMs: 10, sweepMs: 1_000, historyMs });
  await events.next('refresh.done', ({ view }) => view === 'public.hourly');
  /**
   * Writes for so many refreshes: rows, ids that are drawn and rolled back, and a log as of many statements. No more of them from one
   * sweep to the next on a fast machine than on a slow one: the log keeps the room that it once had.
   */
  const load = async (refreshes: number, statements: number): Promise<void> => {
    for (let from = events.mark, writes = 1; events.of('refresh.done', from).length < refreshes; writes += 1) {
      if (writes % 10 === 0) await events.next('sweep.done', () => true, events.mark);
      await addEvents(db, 5);
      await db.app.query('BEGIN; INSERT INTO public.events (occurred_at, account_id) SELECT now(), 1 FROM generate_series(1, 5); ROLLBACK');
      await writeLog(db, statements);
      await events.next('refresh.done', () => true, events.mark);
    }
  };
  /** Two more sweeps from now: one may be under way. */
  const swept = async (): Promise<void> => {
    for (let sweeps = 0; sweeps < 2; sweeps += 1) await events.next('sweep.done', () => true, events.mark);
  };

  await load(40, 3_000);
  await swept();
  const settled = await sizes(db);
  await load(80, 3_000);
  await swept();
  const later = await sizes(db);
  for (const table of ['change_log', 'gap', 'run', 'view', 'watermark'] as const) {
    // Three times as much was written by now. A vacuum may have been passed over once, for an autovacuum was at it.
    const slack = table === 'change_log' ? 2 * MB : 200 * kB;
    expect(later[table], `${table} after ${settled[table]}`).toBeLessThan(2 * settled[table] + slack);
  }

  const pin = await connect(db.app);
  await pin.query('BEGIN; SELECT pg_catalog.pg_current_xact_id()');
  await load(20, 20_000);
  await writeLog(db, 300_000);
  const pinned = await sizes(db);
  expect(pinned.change_log).toBeGreaterThan(16 * MB);
  await pin.query('ROLLBACK');
  // What it held is cleared by one sweep; the room that leaves goes as soon as its end is no longer in use.
  await expect.poll(async () => {
    await load(1, 1);
    return valueOf<number>(db.worker, "SELECT pg_catalog.pg_relation_size('refresh_listener.change_log')::float8");
  }, { timeout: 60_000, interval: 100 }).toBeLessThan(4 * MB);
  const [log, runs, gaps] = [
    await valueOf<number>(db.worker, 'SELECT count(*)::int FROM refresh_listener.change_log'),
    await valueOf<number>(db.worker, `SELECT count(*)::int FROM refresh_listener.run WHERE started_at < now() - interval '10 seconds'`),
    await valueOf<number>(db.worker, 'SELECT count(*)::int FROM refresh_listener.gap'),
  ];
  expect(log).toBeLessThan(1_000);
  expect(runs).toBe(0);
  expect(gaps).toBeLessThan(10);
  expect(events.complaints).toEqual([]);
});
