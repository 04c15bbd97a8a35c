import { describe, expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';
import { Gate } from './gate.js';
import { createOrders, createTable, createView, difference, freshDatabase, sessionsOf, valueOf } from './scene.js';

describe('two workers with the same view', () => {
  it('refresh it once for each change, whichever of them', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const workers = [await startWorker(db.url('worker'), ['mv_orders']), await startWorker(db.url('worker'), ['mv_orders'])];
    const changes = 30;
    for (let change = 1; change <= changes; change += 1) {
      await db.app.query('INSERT INTO public.orders (n) VALUES ($1)', [change]);
      await expect.poll(() => valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders'), { timeout: 20_000, interval: 10 }).toBe(10 + change);
    }
    await Promise.all(workers.map((worker) => worker.stop()));

    const done = workers.flatMap(({ events }) => events.of('refresh.done'));
    expect(done.filter(({ reason }) => reason === 'start')).toHaveLength(1);
    expect(done).toHaveLength(1 + changes);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run WHERE error IS NULL')).toBe(1 + changes);
    expect(workers.flatMap(({ events }) => [...events.of('refresh.failed'), ...events.complaints])).toEqual([]);
  });

  it('take over from one another when one is killed in the middle of a refresh', async () => {
    const db = await freshDatabase();
    const gate = await Gate.create(db);
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
    const killed = spawnWorker(db.url('worker'), ['mv_orders'], ['--lock-timeout=60s']);
    await killed.events.next('refresh.done');
    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await gate.reached();
    const [backend] = await sessionsOf(db, 'absorb');

    const heir = await startWorker(db.url('worker'), ['mv_orders'], { lockTimeoutMs: 60_000 });
    expect(await heir.events.next('refresh.skipped')).toMatchObject({ because: 'locked' });
    await killed.kill();
    const killedAt = performance.now();
    // Its server process notices, although it waits for a lock, and takes its own locks along.
    await expect.poll(() => sessionsOf(db, 'absorb'), { timeout: 15_000, interval: 20 }).not.toContain(backend);
    expect(performance.now() - killedAt).toBeLessThan(5_000);
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM pg_locks WHERE pid = $1', [backend])).toBe(0);

    await gate.reached();
    await gate.open();
    expect(await heir.events.next('refresh.done')).toMatchObject({ inserted: 1 });
    expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
  });
});
