import { describe, expect, it, onTestFinished } from 'vitest';
import { readFreshness, type Freshness } from '../../src/catalog/freshness.js';
import { Database } from '../../src/database/database.js';
import { DatabaseReader, type Reading, type ViewReading } from '../../src/health/database-reading.js';
import { startServing } from '../catalog/worker-scene.js';
import { addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy } from '../support/silent-proxy.js';
import { startWorker } from '../support/test-worker.js';
import { connect, createOrders, createView, freshDatabase, valueOf } from '../worker/scene.js';

/** Views that a worker has served that has stopped, so that nothing is absorbed from here on. */
async function served(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  await createView(db, 'mv_top', 'SELECT count(*) AS n FROM public.mv_orders');
  await (await startServing(db, ['*'])).stop();
  return db;
}

function readerOf(url: string, withinMs?: number): { reader: DatabaseReader; troubles: unknown[] } {
  const troubles: unknown[] = [];
  const reader = new DatabaseReader({ open: () => new Database(url, 1), onTrouble: (error) => troubles.push(error), ...(withinMs === undefined ? {} : { withinMs }) });
  onTestFinished(() => reader.stop());
  return { reader, troubles };
}

async function idOf(db: TestDatabase, name: string): Promise<number> {
  return valueOf<number>(db.worker, 'SELECT id FROM refresh_listener.view WHERE name = $1', [`public.${name}`]);
}

/** One reading of all views, which must succeed. */
async function read(db: TestDatabase): Promise<Reading> {
  const { reader, troubles } = readerOf(db.url('worker'));
  const ids = await valueOf<number[]>(db.worker, 'SELECT coalesce(array_agg(id), $1) FROM refresh_listener.view', [[]]);
  const reading = await reader.read(ids);
  expect(troubles).toEqual([]);
  if (reading === undefined) throw new Error('nothing was read');
  return reading;
}

async function viewIn(db: TestDatabase, reading: Reading, name: string): Promise<ViewReading> {
  const id = await idOf(db, name);
  const view = reading.views.find((one) => one.id === id);
  if (view === undefined) throw new Error(`public.${name} was not read`);
  return view;
}

async function statusOf(db: TestDatabase): Promise<Freshness> {
  const database = new Database(db.url('worker'), 1);
  try {
    return await database.transaction('look', (tx) => readFreshness(tx, false));
  } finally {
    await database.close();
  }
}

describe('a reading of the database', () => {
  it('finds every view fresh that is, and how the log and the queue stand', async () => {
    const db = await served();
    const reading = await read(db);
    expect(reading.views).toHaveLength(2);
    for (const view of reading.views) {
      expect(view).toEqual({ id: view.id, stalenessMs: 0, refreshedAt: expect.any(Number) as number, failures: 0, paused: false, summary: null });
    }
    const refreshedAt = await valueOf<number>(db.worker, "SELECT extract(epoch FROM last_success)::float8 FROM refresh_listener.view WHERE name = 'public.mv_orders'");
    expect((await viewIn(db, reading, 'mv_orders')).refreshedAt).toBeCloseTo(refreshedAt, 3);
    expect(reading.logRows).toBe(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.change_log WHERE source <> 0'));
    expect(reading.logBytes).toBeGreaterThan(0);
    expect(reading.queueUsage).toBeGreaterThanOrEqual(0);
  });

  it('says the same of staleness as status does: since the oldest change, also of the view over it', async () => {
    const db = await served();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
    const before = await statusOf(db);
    const reading = await read(db);
    const after = await statusOf(db);
    for (const name of ['mv_orders', 'mv_top']) {
      const since = before.views.find((view) => view.name === `public.${name}`)?.staleSince;
      if (since == null) throw new Error(`status does not know since when public.${name} is stale`);
      const { stalenessMs } = await viewIn(db, reading, name);
      expect(stalenessMs).toBeGreaterThanOrEqual(before.at.getTime() - since.getTime() - 1);
      expect(stalenessMs).toBeLessThanOrEqual(after.at.getTime() - since.getTime() + 1);
    }
  });

  it.each<[string, string]>([
    ['a worker has marked it', "UPDATE refresh_listener.view SET whole_marks = whole_marks + 1 WHERE name = 'public.mv_orders'"],
    ['writers have stopped recording', "SELECT setval('refresh_listener.log_' || id, 1) FROM refresh_listener.source WHERE name = 'public.orders'"],
    ['a crash has emptied the log', 'DELETE FROM refresh_listener.change_log'],
    ['the cursors are of another cluster', 'UPDATE refresh_listener.cluster SET system_identifier = 1'],
    ['transactions that went unlogged have ended', "UPDATE refresh_listener.view SET settle_xid = '3' WHERE name = 'public.mv_orders'"],
  ])('counts from the last refresh where nobody knows since when: %s', async (_case, statement) => {
    const db = await served();
    await db.worker.query(statement);
    expect((await statusOf(db)).views).toMatchObject([{ name: 'public.mv_orders', stale: true, staleSince: null }, { name: 'public.mv_top', stale: true }]);
    const absorbedAgo = "SELECT extract(epoch FROM clock_timestamp() - absorbed_at)::float8 * 1000 FROM refresh_listener.view WHERE name = 'public.mv_orders'";
    const least = await valueOf<number>(db.worker, absorbedAgo);
    const reading = await read(db);
    const most = await valueOf<number>(db.worker, absorbedAgo);
    const { stalenessMs } = await viewIn(db, reading, 'mv_orders');
    expect(stalenessMs).toBeGreaterThanOrEqual(least);
    expect(stalenessMs).toBeLessThanOrEqual(most);
    expect((await viewIn(db, reading, 'mv_top')).stalenessMs).toBeGreaterThanOrEqual(least);
  });

  it.each<[string, string]>([
    ['was never refreshed', 'UPDATE refresh_listener.view SET whole_marks = whole_marks + 1, absorbed_at = NULL'],
    ['is not populated', 'REFRESH MATERIALIZED VIEW public.mv_orders WITH NO DATA'],
    ['was dropped', 'DROP MATERIALIZED VIEW public.mv_orders CASCADE'],
  ])('does not guess at a view that %s', async (_case, statement) => {
    const db = await served();
    await db.worker.query(statement);
    expect((await viewIn(db, await read(db), 'mv_orders')).stalenessMs).toBeNull();
  });

  it('tells of failures and pauses', async () => {
    const db = await served();
    await db.worker.query("UPDATE refresh_listener.view SET consecutive_failures = 3, paused_at = now() WHERE name = 'public.mv_top'");
    const reading = await read(db);
    expect(await viewIn(db, reading, 'mv_top')).toMatchObject({ failures: 3, paused: true });
    expect(await viewIn(db, reading, 'mv_orders')).toMatchObject({ failures: 0, paused: false });
  });

  it('tells of a summary: how far behind, its gaps, and what waits for a backfill', async () => {
    const db = await eventsAndSummary();
    expect((await viewIn(db, await read(db), 'hourly')).stalenessMs).toBeNull(); // not filled yet
    const worker = await startWorker(db.url('worker'), ['hourly']);
    await worker.events.next('refresh.done');
    const open = await connect(db.app);
    await open.query('BEGIN; INSERT INTO public.events (occurred_at) VALUES (now())');
    const from = worker.events.mark;
    await addEvents(db, 10);
    await worker.events.next('refresh.done', () => true, from);
    await worker.stop();
    await db.worker.query("INSERT INTO refresh_listener.late_bucket (view, bucket, rows) SELECT view, bucket, 4 FROM refresh_listener.summary, unnest('{a,b}'::text[]) AS bucket");
    await db.worker.query('UPDATE refresh_listener.watermark SET rows_behind = 7');
    expect((await viewIn(db, await read(db), 'hourly')).summary).toEqual({ rowsBehind: 7, gapIds: 1, waitingRows: 8 });
  });

  it('is quick whatever stands in the log', async () => {
    const db = await served();
    // As when a view has failed for long, beside a source that is written to all the time.
    await db.admin.query(`INSERT INTO refresh_listener.change_log (xid, source, operation)
      SELECT (pg_current_xact_id()::text::bigint + i % 1000)::text::xid8, s.id, 'I' FROM refresh_listener.source AS s, generate_series(1, 150000) AS i; ANALYZE refresh_listener.change_log`);
    const reading = await read(db); // within its time limit
    expect(reading.logRows).toBe(100_000);
    expect((await viewIn(db, reading, 'mv_orders')).stalenessMs).toBeGreaterThan(0);
  });
});

describe('a reader of the database', () => {
  it('never asks twice at a time', async () => {
    const db = await served();
    const { reader } = readerOf(db.url('worker'));
    const first = reader.read([]);
    expect(reader.read([1])).toBe(first);
    expect((await first)?.views).toEqual([]);
    expect(reader.read([])).not.toBe(first);
  });

  it('gives up on a lock that somebody holds', async () => {
    const db = await served();
    const { reader, troubles } = readerOf(db.url('worker'));
    const holder = await connect(db.admin);
    await holder.query('BEGIN; LOCK TABLE refresh_listener.change_log IN ACCESS EXCLUSIVE MODE');
    expect(await reader.read([])).toBeUndefined();
    expect(troubles).toMatchObject([{ code: '55P03' }]);
    await holder.query('ROLLBACK');
    expect(await reader.read([])).toBeDefined();
  });

  it('answers in time when the database has fallen silent, and reads again when it is back', async () => {
    const db = await served();
    const proxy = await startSilentProxy(db.url('worker'));
    onTestFinished(() => proxy.close());
    const { reader, troubles } = readerOf(proxy.url(db.url('worker')), 1_500);
    // The first may take longer than that on a slow machine.
    await expect.poll(() => reader.read([]), { timeout: 20_000 }).toBeDefined();
    const before = troubles.length;
    proxy.silence();
    expect(await reader.read([])).toBeUndefined(); // on a connection that hangs
    expect(await reader.read([])).toBeUndefined(); // and on one that cannot be made
    expect(troubles.slice(before)).toMatchObject([{ message: 'The database did not answer a scrape within 1500 ms.' }, { message: 'The database did not answer a scrape within 1500 ms.' }]);
    proxy.resume();
    // Sooner than pg would find out by itself that its connections are dead.
    await expect.poll(() => reader.read([]), { timeout: 5_000 }).toBeDefined();
  });

  it('stops at once while it waits, and reads no more', async () => {
    const db = await served();
    const proxy = await startSilentProxy(db.url('worker'));
    onTestFinished(() => proxy.close());
    const { reader, troubles } = readerOf(proxy.url(db.url('worker')), 600_000);
    proxy.silence();
    const waiting = reader.read([]);
    await expect.poll(() => proxy.connectionCount, { interval: 5 }).toBe(1);
    await reader.stop();
    expect(await waiting).toBeUndefined();
    expect(await reader.read([])).toBeUndefined();
    await reader.stop();
    expect(troubles).toEqual([]);
  });
});
