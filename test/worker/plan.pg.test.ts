import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { createTable, createView, freshDatabase, valueOf } from './scene.js';

async function freshOrders(definition = 'SELECT id, n FROM public.orders'): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createTable(db, 'orders');
  await createView(db, 'mv_orders', definition);
  return db;
}

describe('a view is refreshed', () => {
  it.each<[string, string[]]>([
    ['it has no index', []],
    ['its index is not unique', ['CREATE INDEX ON public.mv_orders (id)']],
    ['its unique index is partial', ['CREATE UNIQUE INDEX ON public.mv_orders (id) WHERE id > 0']],
    ['its unique index has an expression', ['CREATE UNIQUE INDEX ON public.mv_orders ((id + 1))']],
    ['its unique index is partly an expression', ['CREATE UNIQUE INDEX ON public.mv_orders (id, (n + 1))']],
  ])('plainly, with the remedy, when %s', async (_case, statements) => {
    const db = await freshOrders();
    for (const statement of statements) await db.worker.query(statement);
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await events.next('refresh.done')).toMatchObject({ plan: 'plain', inserted: 10, updated: 0, deleted: 0 });
    expect(await events.next('view.plain')).toEqual({
      event: 'view.plain', view: 'public.mv_orders', statement: 'CREATE UNIQUE INDEX ON public.mv_orders ("id");', certainty: 'definition',
    });
    // The remedy is told once, and works.
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'plain', inserted: 11 });
    await db.worker.query(events.of('view.plain')[0]?.statement ?? '');
    const remediedFrom = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, remediedFrom)).toMatchObject({ plan: 'concurrent', inserted: 1 });
    expect(events.of('view.plain')).toHaveLength(1);
  });

  it('plainly when the building of its unique index has failed', async () => {
    const db = await freshOrders('SELECT 1 AS one, n FROM public.orders');
    await expect(db.worker.query('CREATE UNIQUE INDEX CONCURRENTLY ON public.mv_orders (one)')).rejects.toThrow('could not create unique index');
    expect(await valueOf(db.worker, "SELECT indisvalid FROM pg_catalog.pg_index WHERE indrelid = 'public.mv_orders'::pg_catalog.regclass")).toBe(false);
    // The leftover of the failed build keeps a plain refresh from succeeding, too, as it does by hand.
    await db.app.query('DELETE FROM public.orders WHERE id > 1');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await events.next('refresh.done')).toMatchObject({ plan: 'plain', inserted: 1 });
  });

  it('plainly while it is not populated, concurrently from then on, without a word', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id, n FROM public.orders WITH NO DATA');
    await db.worker.query('CREATE UNIQUE INDEX ON public.mv_orders (id)');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await events.next('refresh.done')).toMatchObject({ plan: 'plain', inserted: 10 });
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'concurrent', inserted: 1 });
    expect(events.of('view.plain')).toEqual([]);
  });

  it('anew after somebody emptied it: found by the sweep', async () => {
    const db = await freshOrders();
    await db.worker.query('CREATE UNIQUE INDEX ON public.mv_orders (id)');
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { sweepMs: 400 });
    await events.next('refresh.done');
    // The log row of the trigger's own creation has been looked at and debounced by then.
    for (let sweeps = 0; sweeps < 2; sweeps += 1) await events.next('sweep.done', () => true, events.mark);
    const from = events.mark;
    await db.worker.query('REFRESH MATERIALIZED VIEW public.mv_orders WITH NO DATA');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'plain', reason: 'sweep', inserted: 10 });
  });

  it('concurrently with a unique index that includes further columns', async () => {
    const db = await freshOrders();
    await db.worker.query('CREATE UNIQUE INDEX ON public.mv_orders (id) INCLUDE (n)');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await events.next('refresh.done')).toMatchObject({ plan: 'concurrent' });
  });
});

describe('the remedy for a plainly refreshed view', () => {
  it.each([
    ['Odd "Name"', 'the "id", quoted'],
    ['mv-dashboard', 'select'],
    ["it's", '$1; DROP TABLE x; --'],
    ['MV', 'ÄÖÜ'],
  ])('is valid SQL for a view %s with a column %s', async (view, column) => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    await createView(db, quoted(view), `SELECT id AS ${quoted(column)}, n FROM public.orders`);
    const { events } = await startWorker(db.url('worker'), [quoted(view)]);
    const { statement } = await events.next('view.plain');
    await db.worker.query(statement);
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'concurrent', inserted: 1 });
  });

  it('is not given for a view without columns, which is refreshed all the same', async () => {
    const db = await freshOrders('SELECT FROM public.orders');
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'plain', inserted: 11 });
    expect(events.of('view.plain')).toEqual([]);
    expect(events.of('refresh.failed')).toEqual([]);
  });
});
