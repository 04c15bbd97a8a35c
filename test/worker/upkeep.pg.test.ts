import { describe, expect, it } from 'vitest';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import type { TestDatabase } from '../support/database.js';
import { addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import { startWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { connect, createTable, createView, freshDatabase, valueOf } from './scene.js';

const rows = 200;

/** A table of 200 rows and a view over it that autovacuum leaves alone; with a key unless it is to be refreshed plainly. */
async function shop(key: string | undefined = 'id'): Promise<TestDatabase> {
  const db = await freshDatabase();
  await addView(db, 'orders', key);
  return db;
}

async function addView(db: TestDatabase, table: string, key?: string): Promise<void> {
  await createTable(db, table, rows);
  await createView(db, `mv_${table}`, `SELECT id, n FROM public.${table}`, key);
  await db.worker.query(`ALTER MATERIALIZED VIEW public.mv_${table} SET (autovacuum_enabled = off); ANALYZE public.mv_${table}`);
}

async function changeRows(db: TestDatabase, count = rows, table = 'orders'): Promise<void> {
  await db.app.query(`UPDATE public.${table} SET n = n + 1 WHERE id <= $1`, [count]);
}

describe('dead rows of a view', () => {
  it('are cleared in the pause after a refresh once autovacuum would come for them, and not before', async () => {
    const db = await shop();
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    // 50 and a fifth of 200: 90 of them are not enough.
    await changeRows(db, 80);
    await events.next('refresh.done', ({ deleted }) => deleted === 80);
    await changeRows(db, 20);
    expect(await events.next('view.vacuumed')).toMatchObject({ view: 'public.mv_orders', deadRows: 100 });
    expect(await valueOf(db.worker, "SELECT pg_stat_get_vacuum_count('public.mv_orders'::regclass)::int")).toBe(1);
  });

  it('are counted against the settings of the view', async () => {
    const db = await shop();
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_vacuum_threshold = 4, autovacuum_vacuum_scale_factor = 0)');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    await changeRows(db, 4);
    await events.next('refresh.done', ({ deleted }) => deleted === 4);
    await changeRows(db, 1);
    expect(await events.next('view.vacuumed')).toMatchObject({ deadRows: 5 });
  });

  it('stay where the view has vacuum off', async () => {
    const db = await shop();
    await addView(db, 'parts', 'id');
    const overrides = [{ pattern: parseViewPattern('mv_orders'), settings: { vacuum: false } }];
    const { events } = await startWorker(db.url('worker'), ['mv_orders', 'mv_parts'], { overrides });
    await changeRows(db);
    await events.next('refresh.done', ({ view, deleted }) => view === 'public.mv_orders' && deleted === rows);
    await changeRows(db, rows, 'parts');
    await events.next('view.vacuumed', ({ view }) => view === 'public.mv_parts');
    expect(events.of('view.vacuumed').map(({ view }) => view)).toEqual(['public.mv_parts']);
  });

  it('that an open transaction may still see are left to it, and no vacuum is made in vain before it has ended', async () => {
    const db = await shop();
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    const pin = await connect(db.app);
    await pin.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.orders');
    await changeRows(db);
    expect(await events.next('view.vacuumed')).toMatchObject({ deadRows: rows, deadRowsLeft: rows });
    for (let times = 2; times <= 3; times += 1) {
      const from = events.mark;
      await changeRows(db);
      // Statistics are renewed all the same, which tells that the dead rows were looked at.
      await events.next('view.analyzed', () => true, from);
    }
    await pin.query('COMMIT');
    await changeRows(db);
    expect(await events.next('view.vacuumed', ({ deadRows }) => deadRows > rows)).toMatchObject({ deadRows: 4 * rows });
    expect(events.of('view.vacuumed')).toHaveLength(2);
  });

  it('are cleared before --once ends', async () => {
    const db = await shop();
    const { worker } = await startWorker(db.url('worker'), ['mv_orders'], { once: true });
    await worker.finished;
    await changeRows(db);
    const { worker: second, events } = await startWorker(db.url('worker'), ['mv_orders'], { once: true });
    expect(await second.finished).toBe(0);
    expect(events.of('view.vacuumed')).toHaveLength(1);
  });
});

describe('a plain refresh', () => {
  it('is followed by ANALYZE, for the view has no statistics of its new rows', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders', rows);
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders');
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_enabled = off)');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await events.next('view.analyzed')).toMatchObject({ view: 'public.mv_orders' });
    expect(await valueOf(db.worker, "SELECT count(*)::int FROM pg_stats WHERE schemaname = 'public' AND tablename = 'mv_orders'")).toBe(2);
    expect(events.of('view.vacuumed')).toEqual([]);
  });
});

describe('a vacuum', () => {
  /** A worker whose upkeep of the view is held at the gate: an index calls it, which ANALYZE computes. */
  async function held() {
    const db = await shop();
    const gate = await Gate.create(db);
    await db.admin.query(`CREATE FUNCTION public.held(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET lock_timeout = 0 AS $$
      BEGIN
        IF pg_catalog.current_setting('application_name') = 'listener (upkeep)' THEN PERFORM public.gate(1); END IF;
        RETURN n;
      END $$`);
    await db.worker.query('CREATE INDEX ON public.mv_orders (public.held(n))');
    const served = await startWorker(db.url('worker'), ['mv_orders']);
    await served.events.next('refresh.done');
    await gate.close();
    await changeRows(db);
    await gate.reached();
    return { db, gate, served, events: served.events };
  }

  it('gives way to the next refresh, three times in a row; the fourth waits for it', async () => {
    const { db, gate, events } = await held();
    for (let times = 1; times <= 3; times += 1) {
      const from = events.mark;
      await changeRows(db);
      await events.next('refresh.done', () => true, from);
      await gate.reached();
    }
    const from = events.mark;
    await changeRows(db);
    // It has long been due, and waits: for longer than anybody would be given way to.
    const waiting = "SELECT date_part('epoch', clock_timestamp() - max(changed_at)) FROM refresh_listener.change_log WHERE source <> 0";
    await expect.poll(() => valueOf<number>(db.worker, waiting), { timeout: 20_000, interval: 50 }).toBeGreaterThan(1.5);
    expect(await gate.waiting()).toBe(1);
    expect(events.of('refresh.done', from)).toEqual([]);
    await gate.open();
    await events.next('refresh.done', () => true, from);
    const order = events.all.slice(from).map(({ event }) => event).filter((event) => event === 'refresh.done' || event.startsWith('view.'));
    expect(order[0]).toMatch(/^view\.(vacuumed|analyzed)$/);
    expect(order[1]).toBe('refresh.done');
  });

  it('gives way to whoever waits for the view', async () => {
    const { db, events } = await held();
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders SET (fillfactor = 90)');
    expect(events.of('view.vacuumed')).toEqual([]);
    expect(events.complaints).toEqual([]);
  });

  it('ends with its worker', async () => {
    const { db, gate, served, events } = await held();
    await served.stop();
    expect(events.of('stopped')).toEqual([expect.objectContaining({ exitStatus: 0 })]);
    expect(await gate.waiting()).toBe(0);
    expect(await valueOf(db.admin, "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'listener (upkeep)' AND datname = current_database()")).toBe(0);
    expect(events.complaints).toEqual([]);
  });
});

describe('dead rows of a summary', () => {
  it('are cleared too; not while somebody has it locked, for whom nobody waits', async () => {
    const db = await eventsAndSummary();
    await db.worker.query('ALTER TABLE public.hourly SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 5, autovacuum_vacuum_scale_factor = 0)');
    const { events } = await startWorker(db.url('worker'), ['hourly']);
    await events.next('refresh.done');
    const locker = await connect(db.worker);
    await locker.query('BEGIN; LOCK TABLE public.hourly IN SHARE UPDATE EXCLUSIVE MODE');
    await addEvents(db, 40);
    const { updated } = await events.next('refresh.done', ({ rowsRead }) => rowsRead === 40);
    expect(updated).toBeGreaterThan(5);
    await addEvents(db, 41);
    await events.next('refresh.done', ({ rowsRead }) => rowsRead === 41);
    // Two refreshes have come and gone: what was to be done after the first has been tried, and left.
    await locker.query('COMMIT');
    await addEvents(db, 42);
    const { deadRows } = await events.next('view.vacuumed');
    expect(deadRows).toBeGreaterThan(updated ?? 0);
    expect(events.complaints).toEqual([]);
  });
});
