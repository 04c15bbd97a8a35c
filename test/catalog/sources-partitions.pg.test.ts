import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function soldPerYear(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query(`
    CREATE TABLE public.sale (year int, amount int) PARTITION BY RANGE (year);
    CREATE TABLE public.sale_2025 PARTITION OF public.sale FOR VALUES FROM (2025) TO (2026);
    CREATE TABLE public.sale_2026 PARTITION OF public.sale FOR VALUES FROM (2026) TO (2027);
    INSERT INTO public.sale VALUES (2025, 1), (2026, 10)`);
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(amount)::int AS total FROM public.sale');
  return db;
}
const total = 'SELECT total FROM public.mv';

describe('partitions that come and go while the worker runs', () => {
  it('a new one, written at once: absorbed, and given its trigger', async () => {
    const db = await soldPerYear();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query(`
      CREATE TABLE public.sale_2027 PARTITION OF public.sale FOR VALUES FROM (2027) TO (2028);
      INSERT INTO public.sale_2027 VALUES (2027, 100)`);
    await worker.events.next('trigger.installed', (installed) => installed.source === 'public.sale_2027', from);
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(111);

    const later = worker.events.mark;
    await db.app.query('INSERT INTO public.sale_2027 VALUES (2027, 1000)');
    expect(await worker.events.next('refresh.done', () => true, later)).toMatchObject({ sources: ['public.sale_2027'] });
    expect(await valueOf(db, total)).toBe(1111);
    expect(worker.events.of('change.unseen')).toEqual([]);
    expect(worker.events.of('trigger.healed')).toEqual([]);
  });

  it('one that is attached with its rows', async () => {
    const db = await soldPerYear();
    await db.app.query('CREATE TABLE public.old (year int, amount int); INSERT INTO public.old VALUES (2024, 100)');
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query('ALTER TABLE public.sale ATTACH PARTITION public.old FOR VALUES FROM (2024) TO (2025)');
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(111);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('one that is detached: its rows go, its trigger goes, and it is no source any more', async () => {
    const db = await soldPerYear();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query('ALTER TABLE public.sale DETACH PARTITION public.sale_2025');
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(10);
    expect(worker.events.of('change.unseen')).toMatchObject([{ source: 'public.sale', because: 'partitions', views: ['public.mv'] }]);
    await worker.events.next('trigger.removed', (removed) => removed.source === 'public.sale_2025', from);
    expect(await valueOf(db, `SELECT count(*)::int FROM pg_catalog.pg_trigger WHERE tgrelid = 'public.sale_2025'::pg_catalog.regclass`)).toBe(0);

    await db.app.query('INSERT INTO public.sale_2025 VALUES (2025, 5)');
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('one that is detached concurrently', async () => {
    const db = await soldPerYear();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query('ALTER TABLE public.sale DETACH PARTITION public.sale_2025 CONCURRENTLY');
    await worker.events.next('trigger.removed', (removed) => removed.source === 'public.sale_2025', from);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(await valueOf(db, total)).toBe(10);
  });

  it('one that is dropped', async () => {
    const db = await soldPerYear();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query('DROP TABLE public.sale_2026');
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(1);
    await worker.events.next('trigger.removed', (removed) => removed.source === 'public.sale_2026', from);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    // Nothing of it is left.
    expect(await valueOf(db, `SELECT count(*)::int FROM refresh_listener.source`)).toBe(2);
    expect(await valueOf(db, `SELECT count(*)::int FROM pg_catalog.pg_class WHERE relname ~ '^(log|hold)_'`)).toBe(4);
  });

  it('one that is dropped, and created again under its name', async () => {
    const db = await soldPerYear();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query(`
      BEGIN; DROP TABLE public.sale_2026;
      CREATE TABLE public.sale_2026 PARTITION OF public.sale FOR VALUES FROM (2026) TO (2027);
      INSERT INTO public.sale_2026 VALUES (2026, 100); COMMIT`);
    await worker.events.next('trigger.installed', () => true, from);
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(101);
    const later = worker.events.mark;
    await db.app.query('DELETE FROM public.sale_2026');
    expect(await worker.events.next('refresh.done', () => true, later)).toMatchObject({ sources: ['public.sale_2026'] });
  });
});

describe('children of a table that come and go while the worker runs', () => {
  it('one that inherits from now on, and one that does no longer', async () => {
    const db = await ownDatabase();
    await db.app.query(`
      CREATE TABLE public.event (weight int); INSERT INTO public.event VALUES (1);
      CREATE TABLE public.click (weight int); INSERT INTO public.click VALUES (10)`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT sum(weight)::int AS total FROM public.event');
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.app.query('ALTER TABLE public.click INHERIT public.event');
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, total)).toBe(11);
    const later = worker.events.mark;
    await db.app.query('ALTER TABLE public.click NO INHERIT public.event');
    await worker.events.next('refresh.done', () => true, later);
    expect(await valueOf(db, total)).toBe(1);
    expect(worker.events.of('change.unseen', later)).toMatchObject([{ source: 'public.event', because: 'partitions' }]);
  });
});
