import { describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.js';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { makeWorker, startWorker, type TestWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';
import { Gate } from './gate.js';
import { createOrders, createTable, createView, freshDatabase, sessionsOf } from './scene.js';

/** What platforms give a process between SIGTERM and SIGKILL. */
const platformMs = 30_000;
const limitMs = 5_500; // four seconds for the last answer, one for farewells

async function orders(): Promise<{ db: TestDatabase; proxy: SilentProxy }> {
  const db = await freshDatabase();
  await createOrders(db);
  const proxy = await startSilentProxy(db.url('worker'));
  onTestFinished(() => proxy.close());
  return { db, proxy };
}

async function refreshing(overrides: Partial<Config>): Promise<{ db: TestDatabase; proxy: SilentProxy; served: TestWorker }> {
  const { db, proxy } = await orders();
  const gate = await Gate.create(db);
  await createTable(db, 'parts');
  await createView(db, 'mv_parts', `SELECT id, n FROM public.parts, ${gate.relation}`, 'id');
  const served = await startWorker(proxy.url(db.url('worker')), ['mv_parts'], { lockTimeoutMs: 60_000, ...overrides });
  await served.events.next('refresh.done');
  await gate.close();
  await db.app.query('INSERT INTO public.parts (n) VALUES (1)');
  await gate.reached();
  return { db, proxy, served };
}

/** How long `work` took, in ms. */
async function timed(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

/** Sockets and timers of this process that keep it alive, by kind. */
function openSockets(port: number): number {
  const handles = (process as unknown as { _getActiveHandles(): { remotePort?: number }[] })._getActiveHandles();
  return handles.filter(({ remotePort }) => remotePort === port).length;
}

describe('a stop, while the database does not answer,', () => {
  it('of a worker at rest ends soon, and leaves no socket', async () => {
    const { db, proxy } = await orders();
    const { events, worker } = await startWorker(proxy.url(db.url('worker')), ['mv_orders']);
    await events.next('refresh.done');
    proxy.silence();
    expect(await timed(worker.stop({ force: false }))).toBeLessThan(limitMs);
    expect(await worker.finished).toBe(0);
    expect(openSockets(proxy.port)).toBe(0);
  });

  it('does not wait for the sweep that hangs', async () => {
    const { db, proxy } = await orders();
    const { events, worker } = await startWorker(proxy.url(db.url('worker')), ['mv_orders'], { sweepMs: 100 });
    await events.next('refresh.done');
    proxy.silence();
    const swallowed = proxy.swallowedCount;
    await expect.poll(() => proxy.swallowedCount, { timeout: 10_000, interval: 10 }).toBeGreaterThan(swallowed);
    expect(await timed(worker.stop({ force: false }))).toBeLessThan(limitMs);
    expect(events.complaints).toContain('The database did not answer within 4s while the worker stopped: breaking the connections.');
    expect(openSockets(proxy.port)).toBe(0);
  });

  it('ends a start that hangs', async () => {
    const { db, proxy } = await orders();
    proxy.silence();
    const { worker } = makeWorker(proxy.url(db.url('worker')), ['mv_orders']);
    const starting = worker.start();
    await expect.poll(() => proxy.connectionCount, { timeout: 10_000, interval: 5 }).toBe(1);
    expect(await timed(Promise.all([worker.stop({ force: false }), starting]))).toBeLessThan(limitMs);
    expect(openSockets(proxy.port)).toBe(0);
  });

  it('ends a start that hangs in its migration', async () => {
    const { db, proxy } = await orders();
    const { worker } = makeWorker(proxy.url(db.url('worker')), ['mv_orders']);
    const starting = worker.start();
    await expect.poll(() => sessionsOf(db, 'migrate'), { timeout: 10_000, interval: 1 }).toHaveLength(1);
    proxy.silence();
    expect(await timed(Promise.all([worker.stop({ force: false }), starting]))).toBeLessThan(limitMs);
    expect(openSockets(proxy.port)).toBe(0);
  });

  it('breaks off a refresh when the grace is over, and the server ends it', async () => {
    const { db, proxy, served } = await refreshing({ graceMs: 300 });
    proxy.silence();
    expect(await timed(served.worker.stop({ force: false }))).toBeLessThan(limitMs + 300);
    expect(await served.worker.finished).toBe(1);
    expect(openSockets(proxy.port)).toBe(0);
    expect(served.events.of('refresh.failed')).toEqual([]);
    // The proxy keeps its side open, as a network would: with it goes the server's session.
    proxy.cut();
    await expect.poll(() => sessionsOf(db), { timeout: 10_000, interval: 20 }).toEqual([]);
  });

  it('by force breaks it off soon, however long the grace', async () => {
    const { proxy, served } = await refreshing({ graceMs: 600_000 });
    proxy.silence();
    const stopping = served.worker.stop({ force: false });
    expect(await timed(Promise.all([served.worker.stop({ force: true }), stopping]))).toBeLessThan(limitMs);
    expect(await served.worker.finished).toBe(1);
  });

  it('keeps a process with default times within the 30 s of a platform', { timeout: 60_000 }, async () => {
    const { db, proxy } = await orders();
    const gate = await Gate.create(db);
    await createView(db, 'mv_slow', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
    const process = spawnWorker(proxy.url(db.url('worker')), ['mv_slow'], ['--lock-timeout=60s']);
    await process.events.next('refresh.done');
    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await gate.reached();
    proxy.silence();
    const took = await timed(process.terminate());
    console.log(`A process whose database fell silent during a refresh ended ${Math.round(took)} ms after SIGTERM`);
    expect(took).toBeGreaterThan(20_000);
    expect(took).toBeLessThan(platformMs - 3_000);
    expect(await process.exited).toBe(1);
  });
});
