import { describe, expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { makeWorker, startWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { createOrders, createTable, createView, freshDatabase, sessionsOf, valueOf } from './scene.js';

/** Promises that nobody looked after would end a process. */
function watchRejections(): unknown[] {
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return rejections;
}

async function expectNoSessions(db: TestDatabase): Promise<void> {
  await expect.poll(() => sessionsOf(db), { timeout: 10_000, interval: 10 }).toEqual([]);
}

describe('a stop', () => {
  it('of a worker at rest is quick, and leaves no connection', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events, worker } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    expect(await sessionsOf(db)).not.toEqual([]);
    const stoppingAt = performance.now();
    await worker.stop({ force: false });
    expect(performance.now() - stoppingAt).toBeLessThan(1_500);
    expect(await worker.finished).toBe(0);
    expect(events.of('stopped')).toMatchObject([{ exitStatus: 0 }]);
    await expectNoSessions(db);
  });

  it('is harmless twice, before a start, and before a start that comes too late', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { worker, events } = makeWorker(db.url('worker'), ['mv_orders']);
    await Promise.all([worker.stop({ force: false }), worker.stop({ force: true })]);
    await worker.stop({ force: false });
    await worker.start();
    expect(await worker.finished).toBe(0);
    expect(events.all.map(({ event }) => event)).toEqual(['stopped']);
    await expectNoSessions(db);
  });

  it('during a start, at whatever moment, leaves no connection and no complaint', async () => {
    const rejections = watchRejections();
    const db = await freshDatabase();
    await createOrders(db);
    const rounds = 30;
    for (let round = 0; round < rounds; round += 1) {
      const { worker, events } = makeWorker(db.url('worker'), ['mv_orders']);
      const starting = worker.start();
      await valueOf(db.admin, 'SELECT pg_sleep($1)', [((round + Math.random()) / rounds) * 0.15]);
      const stopping = worker.stop({ force: round % 2 === 0 });
      await Promise.all([starting, stopping, worker.finished]);
      await expectNoSessions(db);
      expect(events.complaints).toEqual([]);
    }
    expect(rejections).toEqual([]);
    // Nor has it spoilt anything.
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.until(() => events.of('refresh.done').some(({ inserted }) => inserted === 1));
  });

  it('does not wait for a start that waits for another one to migrate', async () => {
    const rejections = watchRejections();
    const db = await freshDatabase();
    await createOrders(db);
    // Another starter, frozen in the middle of its migration.
    const other = new pg.Client(db.url('worker'));
    await other.connect();
    onTestFinished(() => other.end());
    const locks = "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND granted = $1";
    await other.query('SELECT pg_advisory_lock(7311905524610021)');
    const { worker } = makeWorker(db.url('worker'), ['mv_orders']);
    const starting = worker.start();
    await expect.poll(() => valueOf(db.admin, locks, [false]), { timeout: 10_000, interval: 10 }).toBe(1);
    await worker.stop({ force: false });
    await starting;
    await expectNoSessions(db);
    expect(rejections).toEqual([]);
  });

  it('does not wait for a trigger that waits for writers', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const writer = await db.app.connect();
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (1)');
    const { worker, events } = makeWorker(db.url('worker'), ['mv_orders']);
    const starting = worker.start();
    const waiting = "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'";
    await expect.poll(() => valueOf(db.admin, waiting), { timeout: 10_000, interval: 5 }).toBe(1);
    const stoppingAt = performance.now();
    await worker.stop({ force: false });
    expect(performance.now() - stoppingAt).toBeLessThan(2_000);
    await starting;
    await writer.query('COMMIT');
    writer.release();
    expect(events.complaints).toEqual([]);
    await expectNoSessions(db);
  });

  it('lets a running refresh finish', async () => {
    const { db, gate, served } = await refreshing();
    const stopping = served.stop();
    await valueOf(db.admin, 'SELECT pg_sleep(1)');
    expect(await gate.waiting()).toBe(1); // nobody has cancelled it
    await gate.open();
    await stopping;
    expect(await served.worker.finished).toBe(0);
    expect(served.events.of('refresh.done')).toHaveLength(2);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
    await expectNoSessions(db);
  });

  it.each<[string, number, boolean[]]>([
    ['is over', 300, [false]],
    ['is cut short by force', 60_000, [true]],
    ['is cut short by force later on', 60_000, [false, true]],
  ])('cancels it on the server when the grace %s', async (_case, graceMs, calls) => {
    const { db, gate, served } = await refreshing(graceMs);
    await Promise.all(calls.map((force) => served.worker.stop({ force })));
    expect(await served.worker.finished).toBe(1);
    expect(await gate.waiting()).toBe(0);
    await expectNoSessions(db);
    // Nothing is half done, nothing is called a failure, and the view is stale for the next worker.
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(10);
    expect(served.events.of('refresh.failed')).toEqual([]);
    expect(await valueOf(db.worker, 'SELECT consecutive_failures FROM refresh_listener.view')).toBe(0);
    await gate.open();
    const next = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await next.events.next('refresh.done')).toMatchObject({ reason: 'start', inserted: 1 });
  });

  it('by force of a worker at rest cancels nothing, and says so', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events, worker } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    await Promise.all([worker.stop({ force: false }), worker.stop({ force: true })]);
    expect(await worker.finished).toBe(0);
  });
});

/** A worker in the middle of a refresh. */
async function refreshing(graceMs = 60_000): Promise<{ db: TestDatabase; gate: Gate; served: Awaited<ReturnType<typeof startWorker>> }> {
  const db = await freshDatabase();
  const gate = await Gate.create(db);
  await createTable(db, 'orders');
  await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
  const served = await startWorker(db.url('worker'), ['mv_orders'], { lockTimeoutMs: 60_000, graceMs });
  await served.events.next('refresh.done');
  await gate.close();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  await gate.reached();
  return { db, gate, served };
}
