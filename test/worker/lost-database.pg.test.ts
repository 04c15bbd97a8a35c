import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { atRest, createOrders, difference, freshDatabase, sessionsOf } from './scene.js';

/** A worker at rest that listens directly, while all its other connections lead through a proxy. */
async function scene(overrides: Parameters<typeof startWorker>[2] = {}): Promise<{ db: TestDatabase; proxy: SilentProxy; served: TestWorker }> {
  const db = await freshDatabase();
  await createOrders(db);
  const proxy = await startSilentProxy(db.url('worker'));
  onTestFinished(() => proxy.close());
  const served = await startWorker(proxy.url(db.url('worker')), ['mv_orders'], { listenUrl: db.url('worker'), ...overrides });
  await served.events.next('refresh.done');
  await atRest(db);
  return { db, proxy, served };
}

async function write(db: TestDatabase): Promise<void> {
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
}

/** All changes since `from` have been absorbed. */
async function expectAbsorbed(db: TestDatabase, { events }: TestWorker, from: number, changes: number): Promise<void> {
  await events.until(() => events.of('refresh.done', from).reduce((sum, { inserted }) => sum + (inserted ?? 0), 0) >= changes);
  expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
  expect(events.complaints).toEqual([]);
}

describe('a database connection that is lost', () => {
  it('is told of once, and of its end; what was written meanwhile is absorbed', async () => {
    const { db, proxy, served } = await scene();
    const { events } = served;
    const from = events.mark;
    proxy.refuse();
    proxy.cut();
    await write(db); // rings
    expect(await events.next('database.lost')).toMatchObject({ error: expect.stringMatching(/ECONNREFUSED|Connection terminated/) as string, sqlstate: null, attempt: 1 });
    await write(db);
    await proxy.accept();
    const restored = await events.next('database.restored');
    expect(restored.attempts).toBeGreaterThan(0);
    await events.next('sweep.done', () => true, from);
    await expectAbsorbed(db, served, from, 2);
    expect(events.of('database.lost').filter(({ attempt }) => attempt % 5 !== 0)).toHaveLength(1);
    expect(events.of('database.restored')).toHaveLength(1);
    expect(events.of('listen.lost')).toEqual([]);
  });

  it('costs nothing when it breaks and works again while nobody needs it', async () => {
    const { db, proxy, served } = await scene();
    const from = served.events.mark;
    proxy.cut();
    await expect.poll(() => sessionsOf(db, 'look'), { timeout: 10_000 }).toEqual([]);
    await write(db);
    await expectAbsorbed(db, served, from, 1);
    expect(served.events.of('refresh.failed', from)).toEqual([]);
  });

  it('is noticed when the network falls silent and comes back with resets', async () => {
    const { db, proxy, served } = await scene();
    const { events } = served;
    const from = events.mark;
    proxy.silence();
    await write(db); // rings: the look hangs
    await write(db);
    await expect.poll(() => proxy.swallowedCount, { timeout: 10_000 }).toBeGreaterThan(0);
    proxy.resume();
    proxy.cut();
    await expectAbsorbed(db, served, from, 2);
    await events.until(() => events.of('database.lost').length === events.of('database.restored').length);
  });

  it('may break at any moment', async () => {
    const { db, proxy, served } = await scene();
    const { events } = served;
    for (let round = 0; round < 40; round += 1) {
      await write(db);
      await db.admin.query('SELECT pg_sleep($1)', [Math.random() * 0.08]);
      proxy.cut();
    }
    // Not by the events: a connection may break between a commit and the answer, and the next absorb finds it done.
    await atRest(db);
    expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
    expect(events.complaints).toEqual([]);
    await events.until(() => events.of('database.restored').length >= events.of('database.lost').filter(({ attempt }) => attempt === 1).length);
    expect(events.of('refresh.failed').filter(({ kind }) => kind !== 'transient')).toEqual([]);
  });
});
