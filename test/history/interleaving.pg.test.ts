import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import type { ServedGraph } from '../../src/catalog/graph.js';
import { emptyGraph } from '../../src/catalog/graph.js';
import { Database } from '../../src/database/database.js';
import { absorb } from '../../src/freshen/absorb.js';
import { LogLook } from '../../src/wake/log-look.js';
import { sweep } from '../../src/wake/sweep.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';

// Interleavings that a history meets once in a thousand runs, each brought about by a lock that somebody holds.
describe('what comes between two steps of an absorb or of a sweep', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(() => db.drop());

  /** A session with an open transaction. */
  async function open(pool: pg.Pool): Promise<pg.PoolClient> {
    const client = await pool.connect();
    onTestFinished(() => client.release(true));
    await client.query('BEGIN');
    return client;
  }

  async function until(question: string, parameters: readonly unknown[] = []): Promise<void> {
    for (;;) {
      const { rows } = await db.admin.query<{ yes: boolean }>(question, [...parameters]);
      if (rows[0]?.yes === true) return;
      await pause(10);
    }
  }

  const absorbWaits = () =>
    until(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'listener (absorb)' AND wait_event_type = 'Lock') AS yes`);

  /** A worker that absorbs what its first sweep finds, and no more. */
  async function startAndStop(views: readonly string[]): Promise<void> {
    const worker = await startWorker(db.url('worker'), views, { debounceMs: 20 });
    await until('SELECT NOT EXISTS (SELECT FROM refresh_listener.view WHERE whole_marks > whole_absorbed AND name = ANY ($1)) AS yes', [
      views.map((view) => `public.${view}`),
    ]);
    await worker.stop();
  }

  async function rowsOf(query: string): Promise<unknown[]> {
    return (await db.admin.query<Record<string, unknown>>(query)).rows;
  }

  it('finds a partition attached again that an absorb has missed, though the set of partitions is what it was', async () => {
    await db.app.query('CREATE TABLE public.parts (id int) PARTITION BY LIST (id)');
    await db.app.query('CREATE TABLE public.part_1 PARTITION OF public.parts FOR VALUES IN (1)');
    await db.app.query('CREATE TABLE public.beside (id int)');
    await db.app.query('INSERT INTO public.parts VALUES (1)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_parts AS SELECT id FROM public.parts UNION ALL SELECT id FROM public.beside');
    const worker = await startWorker(db.url('worker'), ['mv_parts']);
    await worker.events.next('refresh.done');
    const from = worker.events.mark;

    const owner = await open(db.app);
    await owner.query('ALTER TABLE public.parts DETACH PARTITION public.part_1');
    await db.app.query('INSERT INTO public.beside VALUES (7)');
    await absorbWaits();
    await owner.query('COMMIT');
    await worker.events.next('refresh.done', () => true, from);
    await db.app.query('ALTER TABLE public.parts ATTACH PARTITION public.part_1 FOR VALUES IN (1)');
    await worker.stop();

    await startAndStop(['mv_parts']);
    expect(await rowsOf('SELECT id FROM public.mv_parts ORDER BY id')).toEqual([{ id: 1 }, { id: 7 }]);
  });

  it('tells the readers of a view that somebody else has emptied while an absorb waited for it', async () => {
    await db.app.query('CREATE TABLE public.leads (id int)');
    await db.app.query('INSERT INTO public.leads VALUES (1), (2)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_leads AS SELECT id FROM public.leads');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_count AS SELECT count(*)::int AS n FROM public.mv_leads');
    await startAndStop(['mv_leads', 'mv_count']);

    await db.app.query('DELETE FROM public.leads');
    const owner = await open(db.worker);
    await owner.query('REFRESH MATERIALIZED VIEW public.mv_leads');
    const worker = await startWorker(db.url('worker'), ['mv_leads', 'mv_count']);
    await absorbWaits();
    await owner.query('COMMIT');
    await worker.events.next('refresh.done', (event) => event.view === 'public.mv_leads');
    await worker.stop();

    await startAndStop(['mv_leads', 'mv_count']);
    expect(await rowsOf('SELECT n FROM public.mv_count')).toEqual([{ n: 0 }]);
  });

  it('and when the readers are told of concurrent refreshes by their counters', async () => {
    await db.app.query('CREATE TABLE public.deals (id int)');
    await db.app.query('INSERT INTO public.deals VALUES (1), (2)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_deals AS SELECT id FROM public.deals');
    await db.worker.query('CREATE UNIQUE INDEX ON public.mv_deals (id)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_sum AS SELECT count(*)::int AS n FROM public.mv_deals');
    await startAndStop(['mv_deals', 'mv_sum']);

    await db.app.query('DELETE FROM public.deals');
    const owner = await open(db.worker);
    await owner.query('REFRESH MATERIALIZED VIEW public.mv_deals');
    const worker = await startWorker(db.url('worker'), ['mv_deals', 'mv_sum']);
    await absorbWaits();
    await owner.query('COMMIT');
    await worker.events.next('refresh.done', (event) => event.view === 'public.mv_deals');
    await worker.stop();

    await startAndStop(['mv_deals', 'mv_sum']);
    expect(await rowsOf('SELECT n FROM public.mv_sum')).toEqual([{ n: 0 }]);
  });

  it('knows what a source looked like that was linked after the absorbing worker had read its graph', async () => {
    await db.app.query('CREATE TABLE public.days (day int, n int) PARTITION BY LIST (day)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_days AS SELECT day, n FROM public.days');
    const database = new Database(db.url('worker'), 1);
    onTestFinished(() => database.close());
    await startAndStop(['mv_days']);
    const before = await sweepOnce(database, ['mv_days']);
    await db.app.query('CREATE TABLE public.day_1 PARTITION OF public.days FOR VALUES IN (1)');
    await sweepOnce(database, ['mv_days']);

    const [view] = before.views.values();
    if (view === undefined) throw new Error('mv_days is not served');
    await absorb(database, view, { reason: 'change', lockTimeoutMs: 5_000, refreshTimeoutMs: 0 });
    const unseen = await open(db.admin);
    await unseen.query('SET LOCAL session_replication_role = replica; INSERT INTO public.day_1 VALUES (1, 5); COMMIT');
    await unseen.query('SELECT pg_stat_force_next_flush()');

    await startAndStop(['mv_days']);
    expect(await rowsOf('SELECT day, n FROM public.mv_days')).toEqual([{ day: 1, n: 5 }]);
  });

  it('looks for the sources that are served when it looks, not when it began to wait for its connection', async () => {
    await db.app.query('CREATE TABLE public.hours (hour int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_hours AS SELECT hour FROM public.hours');
    const database = new Database(db.url('worker'), 1);
    onTestFinished(() => database.close());
    let graph = emptyGraph;
    const look = new LogLook(database);
    await look.look(() => graph);
    const free: (() => void)[] = [];
    const busy = Promise.all([1, 2].map(() => database.transaction('look', () => new Promise<void>((resolve) => free.push(resolve)))));
    const looking = look.look(() => graph);
    const sweeping = new Database(db.url('worker'), 1);
    onTestFinished(() => sweeping.close());
    graph = await sweepOnce(sweeping, ['mv_hours']);
    for (const end of free) end();
    await busy;
    const views = [...graph.views.keys()];
    expect((await looking).views).toEqual(views);

    expect((await look.look(() => graph)).views).toEqual([]);
    look.forget();
    expect((await look.look(() => graph)).views).toEqual(views);
  });

  it('refreshes the view that it says, not the one that has taken its name', async () => {
    await db.app.query('CREATE TABLE public.sales (id int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.sales_blue AS SELECT id FROM public.sales');
    await db.worker.query('CREATE MATERIALIZED VIEW public.sales_green AS SELECT id FROM public.sales');
    const worker = await startWorker(db.url('worker'), ['sales_blue']);
    await worker.events.next('refresh.done');
    const from = worker.events.mark;

    await db.worker.query(`ALTER MATERIALIZED VIEW public.sales_blue RENAME TO sales_old; ALTER MATERIALIZED VIEW public.sales_green RENAME TO sales_blue`);
    await db.app.query('INSERT INTO public.sales VALUES (1)');
    await worker.events.next('refresh.done', () => true, from);
    await worker.stop();

    await startAndStop(['sales_old']);
    expect(await rowsOf('SELECT id FROM public.sales_old')).toEqual([{ id: 1 }]);
  });

  it('makes no writer ring in polling mode, not even while other triggers are still to be created', async () => {
    await db.app.query('CREATE TABLE public.first_table (id int); CREATE TABLE public.second_table (id int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_tables AS SELECT a.id FROM public.first_table AS a JOIN public.second_table AS b ON a.id = b.id');
    const writer = await open(db.app);
    await writer.query('INSERT INTO public.second_table VALUES (1)');
    const starting = startWorker(db.url('worker'), ['mv_tables'], { wake: 'poll' });
    await until(`SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'public.first_table'::regclass AND tgname = 'refresh_listener') AS yes`);

    const preparing = await open(db.app);
    await preparing.query('INSERT INTO public.first_table VALUES (1)');
    await preparing.query(`PREPARE TRANSACTION 'a writer in polling mode'`);
    await preparing.query(`COMMIT PREPARED 'a writer in polling mode'`);
    await writer.query('COMMIT');
    await starting;
  });
});

async function sweepOnce(database: Database, views: readonly string[]): Promise<ServedGraph> {
  let graph = emptyGraph;
  const ignore = () => undefined;
  await sweep({
    database, served: emptyGraph, patterns: views.map(parseViewPattern), leaseMs: 60_000, lapseMs: 3_600_000, historyMs: 3_600_000, bell: () => 'ringing', install: true,
    signal: new AbortController().signal,
    observer: {
      onGraph: (found) => (graph = found), onLogState: ignore, onLapse: ignore, onTrigger: ignore, onTriggerTrouble: ignore, onTriggerWait: ignore, onRemoved: ignore,
      onForgotten: ignore, onUnseen: ignore, onUntriggered: ignore, onUnheard: ignore,
    },
  });
  return graph;
}
