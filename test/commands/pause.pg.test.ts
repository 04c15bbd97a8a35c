import { describe, expect, it } from 'vitest';
import { leftAlone, ordersAndSum, refreshSql, rowsShown, sessionOf } from '../catalog/sql-scene.js';
import { startServing, sweeping, sweeps } from '../catalog/worker-scene.js';
import { jsonLines, listener, startListener } from '../support/hand-command.js';
import { Gate } from '../worker/gate.js';
import { createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';

const insert = 'INSERT INTO public.orders (n) VALUES (100)';

describe('listener pause and resume', { timeout: 60_000 }, () => {
  it('leave a view alone, whoever calls for it, and refresh it once for all that it missed', async () => {
    const db = await ordersAndSum();
    // Due by its age besides, all the time.
    const worker = await startServing(db, ['mv_orders', 'mv_sum'], { ...sweeping, maxAgeMs: 300 });
    expect(await listener(db.url('worker'), ['pause', 'mv_sum', 'mv_orders', '--json'])).toMatchObject({ status: 0, stderr: '' });
    await sweeps(worker, 1);
    const from = worker.events.mark;
    for (let change = 0; change < 5; change += 1) await db.app.query(insert);
    await worker.events.next('refresh.skipped', ({ view, because }) => view === 'public.mv_orders' && because === 'paused', from);
    await sweeps(worker, 5);
    expect(worker.events.of('refresh.done', from)).toEqual([]);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.change_log WHERE source <> 0')).toBeGreaterThanOrEqual(5);
    expect(await rowsShown(db)).toBe(10);
    const resumed = await listener(db.url('worker'), ['resume', '*']);
    expect(resumed).toEqual({ status: 0, stderr: '', stdout: 'Resumed public.mv_orders.\nResumed public.mv_sum.\n' });
    await worker.events.next('refresh.done', ({ view, sources }) => view === 'public.mv_sum' && sources.length > 0, from);
    expect(await rowsShown(db)).toBe(15);
    const changes = worker.events.of('refresh.done', from).filter(({ view, sources }) => view === 'public.mv_orders' && sources.length > 0);
    expect(changes).toMatchObject([{ inserted: 5 }]);
    expect(worker.events.complaints).toEqual([]);
  });

  it('resume calls a running worker, which has no sweep to wait for', async () => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders']);
    await listener(db.url('worker'), ['pause', 'mv_orders']);
    const from = worker.events.mark;
    await db.app.query(insert);
    await worker.events.next('refresh.skipped', ({ because }) => because === 'paused', from);
    expect(jsonLines(await listener(db.url('worker'), ['resume', 'mv_orders', '--json']))).toEqual([
      { view: 'public.mv_orders', paused: false, wasPaused: true },
    ]);
    await worker.events.next('refresh.done', () => true, from);
    expect(worker.events.of('sweep.done', from)).toEqual([]);
    expect(await rowsShown(db)).toBe(11);
  });

  it('resume is noticed by a worker that polls, before its next sweep', async () => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders'], { wake: 'poll' });
    await listener(db.url('worker'), ['pause', 'mv_orders']);
    const from = worker.events.mark;
    await db.app.query(insert);
    await worker.events.next('refresh.skipped', ({ because }) => because === 'paused', from);
    await listener(db.url('worker'), ['resume', 'mv_orders']);
    await worker.events.next('refresh.done', () => true, from);
    expect(worker.events.all.slice(from).map(({ event }) => event)).toEqual(['refresh.skipped', 'refresh.done']);
  });

  it('tell what was so already', async () => {
    const db = await leftAlone();
    expect((await listener(db.url('worker'), ['resume', 'mv_orders'])).stdout).toBe('public.mv_orders was not paused.\n');
    expect(jsonLines(await listener(db.url('worker'), ['pause', 'mv_orders', '--json']))).toEqual([{ view: 'public.mv_orders', paused: true, wasPaused: false }]);
    const since = await valueOf<Date>(db.worker, `SELECT paused_at FROM refresh_listener.view WHERE name = 'public.mv_orders'`);
    expect((await listener(db.url('worker'), ['pause', 'mv_orders'])).stdout).toBe('public.mv_orders was paused already.\n');
    expect(await valueOf(db.worker, `SELECT paused_at FROM refresh_listener.view WHERE name = 'public.mv_orders'`)).toEqual(since);
  });

  it('pause returns when no refresh of the view runs any more', async () => {
    const db = await freshDatabase();
    const gate = await Gate.create(db);
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', `SELECT o.id, o.n FROM public.orders AS o, ${gate.relation} AS g`, 'id');
    const worker = await startServing(db, ['mv_orders']);
    await gate.close();
    const from = worker.events.mark;
    await db.app.query(insert);
    await gate.reached();
    const command = startListener(db.url('worker'), ['pause', 'mv_orders']);
    const waiting = `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND mode = 'ExclusiveLock'`;
    await expect.poll(() => valueOf<number>(db.admin, waiting), { timeout: 20_000 }).toBe(1);
    await gate.open();
    expect(await command.outcome).toMatchObject({ status: 0, stderr: '' });
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
    expect(await rowsShown(db)).toBe(11);
  });

  it('pause waits for whoever called refresh() in a transaction, however long that stays open', async () => {
    const db = await leftAlone();
    const caller = await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders', ', true'));
    const command = startListener(db.url('worker'), ['pause', 'mv_orders']);
    const waited = `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    // Longer than the lock timeout of other short transactions.
    await expect.poll(() => valueOf<number>(db.admin, waited), { timeout: 30_000 }).toBeGreaterThan(6);
    await caller.query('COMMIT');
    expect(await command.outcome).toMatchObject({ status: 0, stderr: '' });
  });

  it('a flood of calls by a stranger causes no refresh, and keeps no change from arriving', async () => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders']);
    const id = await valueOf<number>(db.worker, `SELECT id FROM refresh_listener.view WHERE name = 'public.mv_orders'`);
    const from = worker.events.mark;
    const stranger = await sessionOf(db.url('app'));
    for (let burst = 0; burst < 500; burst += 1) {
      await stranger.query(`SELECT pg_notify('refresh_listener', 'view ${id}'), pg_notify('refresh_listener', 'view ${id + 1}'),
        pg_notify('refresh_listener', 'view 0'), pg_notify('refresh_listener', 'view ${burst}x'), pg_notify('refresh_listener', 'view ${id} ')`);
    }
    await db.app.query(insert);
    await worker.events.next('refresh.done', () => true, from);
    // The rows that the start itself wrote may still be looked into, and found absorbed.
    expect(worker.events.all.slice(from).map(({ event }) => event).filter((event) => event !== 'refresh.skipped')).toEqual(['refresh.done']);
    expect(worker.events.complaints).toEqual([]);
  });
});
