import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function counted(...tables: readonly string[]): Promise<TestDatabase> {
  const db = await ownDatabase();
  for (const table of tables) {
    await db.app.query(`CREATE TABLE public.${table} (id int)`);
    await db.worker.query(`CREATE MATERIALIZED VIEW public.mv_${table} AS SELECT count(*)::int AS n FROM public.${table}`);
  }
  return db;
}

describe('what is renamed, or made anew, while the worker runs', () => {
  it('a source: the view follows it under its new name, without a refresh for the renaming', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_orders'], sweeping);
    const from = worker.events.mark;
    await db.app.query('ALTER TABLE public.orders RENAME TO purchases');
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    await db.app.query('INSERT INTO public.purchases VALUES (1)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ sources: ['public.purchases'] });
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('two sources that change places', async () => {
    const db = await counted('orders', 'staging');
    const worker = await startServing(db, ['mv_*'], sweeping);
    await db.app.query('INSERT INTO public.staging VALUES (1)');
    await worker.events.next('refresh.done', (done) => done.sources.includes('public.staging'));
    await db.app.query(`
      BEGIN; ALTER TABLE public.orders RENAME TO old; ALTER TABLE public.staging RENAME TO orders; ALTER TABLE public.old RENAME TO staging; COMMIT`);
    await sweeps(worker);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.staging VALUES (1), (2)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_orders', sources: ['public.staging'] });
    expect([await valueOf(db, 'SELECT n FROM public.mv_orders'), await valueOf(db, 'SELECT n FROM public.mv_staging')]).toEqual([2, 1]);
  });

  it('a view, in the allowlist by a pattern: served on, without a refresh for the renaming', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_*'], sweeping);
    const from = worker.events.mark;
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_purchases');
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_purchases' });
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('a view, unknown to the worker until a refresh: it finds the new name at once, without waiting for a sweep', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_*']);
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_purchases');
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_purchases', from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_purchases')).toBe(1);
  });

  it('two views that change places, each with a change before the worker knows: neither is taken for the other', async () => {
    const db = await counted('orders', 'items');
    const worker = await startServing(db, ['mv_*']);
    await db.worker.query(`
      BEGIN; ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_old; ALTER MATERIALIZED VIEW public.mv_items RENAME TO mv_orders;
      ALTER MATERIALIZED VIEW public.mv_old RENAME TO mv_items; COMMIT`);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    // What counts orders is called mv_items now.
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_items' && done.sources.includes('public.orders'), from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_items')).toBe(1);
    await db.app.query('INSERT INTO public.items VALUES (1), (2)');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_orders' && done.sources.includes('public.items'), from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(2);
  });

  it('two views that change places while the refresh of one of them waits for its lock', async () => {
    const db = await counted('orders', 'items');
    const worker = await startServing(db, ['mv_*']);
    const from = worker.events.mark;
    const session = await db.worker.connect();
    try {
      await session.query(`
        BEGIN; ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_old; ALTER MATERIALIZED VIEW public.mv_items RENAME TO mv_orders;
        ALTER MATERIALIZED VIEW public.mv_old RENAME TO mv_items`);
      await db.app.query('INSERT INTO public.orders VALUES (1)');
      const waiting = `SELECT count(*)::int FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE d.datname = '${db.name}' AND NOT l.granted`;
      await expect.poll(() => valueOf(db, waiting, 'admin'), { timeout: 10_000 }).toBe(1);
      await session.query('COMMIT');
    } finally {
      session.release();
    }
    await worker.events.next('refresh.done', (done) => done.sources.includes('public.orders'), from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_items')).toBe(1);
  });

  it('a view that is named alone, and renamed: told as missing; served again when a view takes the name', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_orders'], sweeping);
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_old');
    expect(await worker.events.next('view.missing')).toMatchObject({ view: 'public.mv_orders' });
    await sweeps(worker);
    expect(worker.events.of('view.missing')).toHaveLength(1);
    const from = worker.events.mark;
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*)::int + 100 AS n FROM public.orders');
    await worker.events.next('view.added', (added) => added.view === 'public.mv_orders', from);
    const later = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await worker.events.next('refresh.done', () => true, later);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(101);
  });

  it('a view that is dropped and created again, unknown to the worker until a change: found at once', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_orders']);
    await db.worker.query(`
      BEGIN; DROP MATERIALIZED VIEW public.mv_orders;
      CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*)::int + 100 AS n FROM public.orders; COMMIT`);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(101);
  });

  it('a view that is dropped and created again', async () => {
    const db = await counted('orders');
    const worker = await startServing(db, ['mv_orders'], sweeping);
    const from = worker.events.mark;
    await db.worker.query(`
      BEGIN; DROP MATERIALIZED VIEW public.mv_orders;
      CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*)::int + 100 AS n FROM public.orders WITH NO DATA; COMMIT`);
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(100);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(await valueOf(db, 'SELECT count(*)::int FROM refresh_listener.view')).toBe(1);
    const later = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await worker.events.next('refresh.done', () => true, later);
    expect(await valueOf(db, 'SELECT n FROM public.mv_orders')).toBe(101);
  });
});
