import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

async function setDefaults(db: TestDatabase, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await db.admin.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET ${name} = '${value}'`);
  }
}

describe('defaults of the role', () => {
  it.each<[Record<string, string>]>([
    [{ default_transaction_isolation: 'serializable' }],
    [{ default_transaction_isolation: 'repeatable read', default_transaction_deferrable: 'on' }],
    [{ default_transaction_read_only: 'on' }],
    [{ statement_timeout: '150ms' }],
    [{ lock_timeout: '1ms' }],
    [{ idle_in_transaction_session_timeout: '1ms' }],
    [{ row_security: 'on', check_function_bodies: 'off', search_path: 'nowhere', DateStyle: 'German', IntervalStyle: 'iso_8601', extra_float_digits: '-15' }],
    [{ synchronous_commit: 'off', standard_conforming_strings: 'off', bytea_output: 'escape' }],
    [{ client_encoding: 'LATIN1', array_nulls: 'off', transform_null_equals: 'on' }],
  ])('do not matter: %j', async (settings) => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders, pg_sleep(0.3)', 'id');
    await setDefaults(db, settings);
    const { events } = await startWorker(db.url('worker'), ['public.mv_orders'], { sweepMs: 500 });
    expect(await events.next('ready')).toMatchObject({ wake: 'notify', views: ['public.mv_orders'] });
    await events.next('refresh.done');
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ plan: 'concurrent', inserted: 1 });
    await events.next('sweep.done', () => true, events.mark);
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
    expect(events.of('refresh.failed')).toEqual([]);
    expect(events.of('database.lost')).toEqual([]);
    expect(events.of('listen.lost')).toEqual([]);
    expect(events.complaints).toEqual([]);
  });
});

describe('row security on a source', () => {
  it.each([
    ['a policy', 'ENABLE'],
    ['a policy that is forced', 'FORCE'],
  ])('with %s makes the refresh fail: an error beats a silently filtered view', async (_case, mode) => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    await db.app.query('ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY');
    if (mode === 'FORCE') await db.app.query('ALTER TABLE public.orders FORCE ROW LEVEL SECURITY');
    await db.app.query('CREATE POLICY few ON public.orders USING (id < 3)');
    const from = events.mark;
    await db.app.query('UPDATE public.orders SET n = 99 WHERE id = 1');
    expect(await events.next('refresh.failed', () => true, from)).toMatchObject({
      sqlstate: '42501', kind: 'permanent', error: expect.stringContaining('row-level security policy') as string,
    });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(10);

    await db.admin.query(`ALTER ROLE ${db.roles.worker} BYPASSRLS`);
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(10);
  });
});
