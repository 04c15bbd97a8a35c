import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';
import { Gate } from './gate.js';
import { createTable, createView, freshDatabase, sessionsOf, valueOf } from './scene.js';

/** A worker process in the middle of a refresh. */
async function refreshing(args: readonly string[] = []): Promise<{ db: TestDatabase; gate: Gate; process: WorkerProcess }> {
  const db = await freshDatabase();
  const gate = await Gate.create(db);
  await createTable(db, 'orders');
  await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
  const process = spawnWorker(db.url('worker'), ['mv_orders'], ['--lock-timeout=60s', ...args]);
  await process.events.next('refresh.done');
  await gate.close();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  await gate.reached();
  return { db, gate, process };
}

async function rowsOf(db: TestDatabase): Promise<number> {
  return valueOf<number>(db.worker, 'SELECT count(*)::int FROM public.mv_orders');
}

describe('a worker process', () => {
  it('drains a running refresh at the first signal, and exits with 0', async () => {
    const { db, gate, process } = await refreshing();
    process.child.kill('SIGTERM');
    expect(await process.events.next('stopping')).toMatchObject({ signal: 'SIGTERM', force: false, graceMs: 20_000 });
    await valueOf(db.admin, 'SELECT pg_sleep(1)');
    expect(await gate.waiting()).toBe(1); // nobody has cancelled it
    await gate.open();
    expect(await process.exited).toBe(0);
    expect(process.events.of('refresh.done')).toHaveLength(2);
    expect(process.events.of('stopped')).toMatchObject([{ exitStatus: 0 }]);
    expect(await rowsOf(db)).toBe(11);
    expect(process.output).toEqual([]);
  });

  it('cancels it on the server when the grace is over, and exits with 1', async () => {
    const { db, gate, process } = await refreshing(['--grace=300ms']);
    expect(await process.terminate()).toBe(1);
    expect(await gate.waiting()).toBe(0);
    expect(await sessionsOf(db)).toEqual([]);
    expect(await rowsOf(db)).toBe(10);
    expect(process.output).toEqual([]);
  });

  it('cancels it at once at the second signal, and exits with 1', async () => {
    const { db, gate, process } = await refreshing();
    process.child.kill('SIGTERM');
    await process.events.next('stopping');
    process.child.kill('SIGINT');
    expect(await process.events.next('stopping', ({ force }) => force)).toMatchObject({ signal: 'SIGINT' });
    expect(await process.exited).toBe(1);
    expect(await gate.waiting()).toBe(0);
    expect(await rowsOf(db)).toBe(10);
    expect(process.output).toEqual([]);
  });

  it('ends by itself at a signal when it is at rest', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders', 'id');
    const process = spawnWorker(db.url('worker'), ['mv_orders']);
    await process.events.next('refresh.done');
    const at = performance.now();
    expect(await process.terminate()).toBe(0);
    expect(performance.now() - at).toBeLessThan(3_000);
    expect(process.output).toEqual([]);
    await expect.poll(() => sessionsOf(db), { timeout: 5_000, interval: 20 }).toEqual([]);
  });

  it('can be stopped while it starts', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders', 'id');
    // It waits for a lock that its first trigger needs.
    const writer = await db.app.connect();
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (1)');
    const process = spawnWorker(db.url('worker'), ['mv_orders']);
    const waiting = "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'";
    await expect.poll(() => valueOf(db.admin, waiting), { timeout: 20_000, interval: 5 }).toBe(1);
    expect(await process.terminate()).toBe(0);
    await writer.query('COMMIT');
    writer.release();
    expect(process.events.all.map(({ event }) => event)).toEqual(['stopping', 'stopped']);
  });
});
