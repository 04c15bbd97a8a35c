import { describe, expect, it } from 'vitest';
import { startWorker } from '../../support/test-worker.js';
import { valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, createSummary, eventsAndSummary, usageDefinition, wrongRows } from './scene.js';

const daily = usageDefinition.replace(`date_trunc('hour', occurred_at)`, `date_trunc('day', occurred_at)`);

describe('what changes around a summary', () => {
  it('the TimeZone of the role: the summary is absorbed anew, changed or not', async () => {
    const db = await eventsAndSummary();
    await createSummary(db, 'daily', daily, { bucket: 'bucket' });
    const before = await Absorber.of(db, 'daily');
    await before.absorbed();
    await db.admin.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET timezone = 'Pacific/Apia'`);
    const after = await Absorber.of(db, 'daily');
    expect(await after.absorbed()).toMatchObject({ plan: 'rebuild' });
    // Compared in a session that has the new setting.
    await db.worker.query(`SET timezone = 'Pacific/Apia'`);
    const inZone = await db.worker.connect();
    await inZone.query(`SET timezone = 'Pacific/Apia'`);
    expect(await wrongRows({ ...db, worker: inZone as never }, 'daily', daily)).toBe(0);
    inZone.release(true);
    expect(await after.absorb()).toEqual({ outcome: 'fresh' });
  });

  it('names: of a column that it reads, of its source, and its own', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('ALTER TABLE public.events RENAME COLUMN bytes TO size');
    await db.app.query('ALTER TABLE public.events RENAME TO happenings');
    await db.worker.query('ALTER TABLE public.hourly RENAME TO by_hour');
    await db.app.query('INSERT INTO public.happenings (occurred_at, account_id, size) SELECT now(), 1, i FROM generate_series(1, 9) AS i');
    expect(await hourly.absorbed()).toMatchObject({ plan: 'merge', name: 'public.by_hour', summary: { rowsRead: 9 } });
    const renamed = usageDefinition.replaceAll('bytes', 'size').replace('total_size', 'total_bytes').replace('mean_size', 'mean_bytes').replace('public.events', 'public.happenings');
    expect(await wrongRows(db, 'by_hour', renamed)).toBe(0);
  });

  it('the name of the id column: refused in one clear line, and right again once it is called as before', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('ALTER TABLE public.events RENAME COLUMN id TO number');
    await addEvents(db, 3);
    await expect(hourly.absorb()).rejects.toThrow(/public\.hourly cannot be kept any more: .*id/);
    await db.app.query('ALTER TABLE public.events RENAME COLUMN number TO id');
    await hourly.absorbed();
    expect(await wrongRows(db)).toBe(0);
  });

  it('its source is dropped with all that reads it: refused in one clear line', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await addEvents(db, 3);
    await db.app.query('DROP TABLE public.events CASCADE');
    await expect(hourly.absorb()).rejects.toThrow(/public\.hourly.*definition.*dropped/);
    expect(await valueOf<number>(db.worker, 'SELECT count(*)::int FROM public.hourly')).toBeGreaterThan(0);
  });

  it('its source is dropped under a worker, which goes on with other views', async () => {
    const db = await eventsAndSummary();
    await db.app.query('CREATE TABLE public.orders (id int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*) AS n FROM public.orders');
    const worker = await startWorker(db.url('worker'), ['hourly', 'mv_orders'], { debounceMs: 20, sweepMs: 200 });
    await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly');
    await worker.events.next('refresh.done', ({ view }) => view === 'public.mv_orders');
    const from = worker.events.mark;
    await db.app.query('DROP TABLE public.events CASCADE');
    await worker.events.next('view.missing', ({ view }) => view === 'public.hourly', from);
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await worker.events.next('refresh.done', ({ view }) => view === 'public.mv_orders', from);
    expect(worker.events.complaints).toEqual([]);
    expect(await valueOf<number>(db.worker, 'SELECT count(*)::int FROM public.hourly')).toBeGreaterThan(0);
  });
});
