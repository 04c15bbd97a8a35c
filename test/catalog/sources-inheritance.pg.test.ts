import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import type { TestWorker } from '../support/test-worker.js';
import { ownDatabase, startServing, valueOf } from './worker-scene.js';

/** Two writes, each waited for: two refreshes, and each knows what changed. */
async function expectToFollow(db: TestDatabase, { events }: TestWorker, view: string, writes: readonly [statement: string, source: string][]): Promise<void> {
  const begin = events.mark;
  for (const [statement, source] of writes) {
    const from = events.mark;
    await db.app.query(statement);
    expect(await events.next('refresh.done', (done) => done.view === view, from)).toMatchObject({ reason: 'change', sources: [source] });
  }
  expect(events.of('refresh.done', begin).filter((done) => done.view === view)).toHaveLength(writes.length);
}

async function partitionedSales(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query(`
    CREATE TABLE public.sale (year int, amount int) PARTITION BY RANGE (year);
    CREATE TABLE public.sale_20 PARTITION OF public.sale FOR VALUES FROM (2020) TO (2030) PARTITION BY RANGE (year);
    CREATE TABLE public.sale_2025 PARTITION OF public.sale_20 FOR VALUES FROM (2025) TO (2026);
    CREATE TABLE public.sale_2026 PARTITION OF public.sale_20 FOR VALUES FROM (2026) TO (2027)`);
  return db;
}

describe('a view over a partitioned table', () => {
  it('follows writes through the root, a partition in between, and the leaves', async () => {
    const db = await partitionedSales();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(amount)::int AS total FROM public.sale');
    const worker = await startServing(db, ['mv']);
    await expectToFollow(db, worker, 'public.mv', [
      ['INSERT INTO public.sale VALUES (2025, 1)', 'public.sale'],
      ['INSERT INTO public.sale_20 VALUES (2026, 10)', 'public.sale_20'],
      ['INSERT INTO public.sale_2026 VALUES (2026, 100)', 'public.sale_2026'],
      ['UPDATE public.sale SET year = 2026 WHERE year = 2025', 'public.sale'],
    ]);
    expect(await valueOf(db, 'SELECT total FROM public.mv')).toBe(111);
  });

  it('follows a TRUNCATE of the root, which fires on the leaves as well', async () => {
    const db = await partitionedSales();
    await db.app.query('INSERT INTO public.sale VALUES (2025, 1), (2026, 10)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(amount)::int AS total FROM public.sale');
    const worker = await startServing(db, ['mv']);
    const from = worker.events.mark;
    await db.app.query('TRUNCATE public.sale');
    const { sources } = await worker.events.next('refresh.done', () => true, from);
    expect([...sources].sort()).toEqual(['public.sale', 'public.sale_20', 'public.sale_2025', 'public.sale_2026']);
    expect(await valueOf(db, 'SELECT total FROM public.mv')).toBe(null);
  });
});

describe('a view over one leaf', () => {
  it('follows writes through the root, and is not disturbed by the leaf beside it', async () => {
    const db = await partitionedSales();
    await db.worker.query(`
      CREATE MATERIALIZED VIEW public.mv_2025 AS SELECT sum(amount)::int AS total FROM public.sale_2025;
      CREATE MATERIALIZED VIEW public.mv_2026 AS SELECT sum(amount)::int AS total FROM public.sale_2026`);
    const worker = await startServing(db, ['mv_2025', 'mv_2026']);
    await expectToFollow(db, worker, 'public.mv_2025', [['INSERT INTO public.sale VALUES (2025, 1)', 'public.sale']]);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.sale_2026 VALUES (2026, 10)');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_2026' && done.sources.includes('public.sale_2026'), from);
    // A later change of its own is the signal that the one beside it has not caused a refresh.
    await expectToFollow(db, worker, 'public.mv_2025', [['INSERT INTO public.sale_2025 VALUES (2025, 100)', 'public.sale_2025']]);
    expect(worker.events.of('refresh.done', from).filter((done) => done.view === 'public.mv_2025')).toHaveLength(1);
    expect(await valueOf(db, 'SELECT total FROM public.mv_2025')).toBe(101);
  });
});

describe('a view over a table with children', () => {
  it('follows writes through the parent, and of the children', async () => {
    const db = await ownDatabase();
    await db.app.query(`
      CREATE TABLE public.event (id int, weight int);
      CREATE TABLE public.event_click (x int) INHERITS (public.event)`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(weight)::int AS total FROM public.event');
    const worker = await startServing(db, ['mv']);
    await expectToFollow(db, worker, 'public.mv', [
      ['INSERT INTO public.event VALUES (1, 1)', 'public.event'],
      ['INSERT INTO public.event_click VALUES (2, 10, 0)', 'public.event_click'],
      ['UPDATE public.event SET weight = 20 WHERE id = 2', 'public.event'],
    ]);
    expect(await valueOf(db, 'SELECT total FROM public.mv')).toBe(21);
  });

  it('follows writes through another parent of such a child', async () => {
    const db = await ownDatabase();
    await db.app.query(`
      CREATE TABLE public.event (id int, weight int);
      CREATE TABLE public.audited (audited boolean);
      CREATE TABLE public.event_click () INHERITS (public.event, public.audited);
      INSERT INTO public.event_click VALUES (1, 10, false)`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(weight)::int AS total FROM public.event');
    const worker = await startServing(db, ['mv']);
    await expectToFollow(db, worker, 'public.mv', [['DELETE FROM public.audited', 'public.audited']]);
    expect(await valueOf(db, 'SELECT total FROM public.mv')).toBe(null);
  });
});
