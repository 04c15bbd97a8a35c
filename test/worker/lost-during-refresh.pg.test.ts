import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { atRest, createTable, createView, freshDatabase, sessionsOf } from './scene.js';

/** A worker in the middle of a refresh, all its connections but the listening one through a proxy. */
async function scene(): Promise<{ db: TestDatabase; proxy: SilentProxy; served: TestWorker; gate: Gate }> {
  const db = await freshDatabase();
  const gate = await Gate.create(db);
  await createTable(db, 'orders');
  await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
  const proxy = await startSilentProxy(db.url('worker'));
  onTestFinished(() => proxy.close());
  // Without TLS, so that the proxy can read how a connection calls itself.
  const url = Object.assign(new URL(proxy.url(db.url('worker'))), { search: '?sslmode=disable' }).href;
  const served = await startWorker(url, ['mv_orders'], { listenUrl: db.url('worker'), lockTimeoutMs: 60_000 });
  await served.events.next('refresh.done');
  await gate.close();
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  await gate.reached();
  return { db, proxy, served, gate };
}

describe('in the middle of a refresh', () => {
  it('a connection that breaks costs a repeat', async () => {
    const { proxy, served, gate } = await scene();
    proxy.cut('listener (absorb)');
    expect(await served.events.next('refresh.failed')).toMatchObject({ kind: 'transient', attempt: 1, sqlstate: null });
    await gate.open();
    await served.events.next('refresh.done', ({ inserted }) => inserted === 1);
    expect(served.events.complaints).toEqual([]);
  });

  it('a half-open connection is noticed once its server process is gone', async () => {
    const { db, proxy, served, gate } = await scene();
    const [backend] = await sessionsOf(db, 'absorb');
    proxy.silenceNamed('listener (absorb)');
    await db.admin.query('SELECT pg_terminate_backend($1)', [backend]); // its goodbye is swallowed
    expect(await served.events.next('refresh.failed')).toMatchObject({
      kind: 'transient', attempt: 1, error: expect.stringContaining('server process is gone') as string,
    });
    await gate.open();
    await served.events.next('refresh.done', ({ inserted }) => inserted === 1);
    expect(served.events.complaints).toEqual([]);
  });

  it('the loss of the other connections does not disturb it', async () => {
    const { db, proxy, served, gate } = await scene();
    const { events } = served;
    proxy.silenceNamed('listener (look)');
    const swallowed = proxy.swallowedCount;
    await expect.poll(() => proxy.swallowedCount, { timeout: 10_000 }).toBeGreaterThan(swallowed); // it is being used
    proxy.cut('listener (look)');
    await expect.poll(() => sessionsOf(db, 'look'), { timeout: 10_000 }).not.toEqual([]);
    await gate.open();
    await events.next('refresh.done', ({ inserted }) => inserted === 1);
    await atRest(db);
    expect(events.of('refresh.failed')).toEqual([]);
    expect(events.of('database.restored')).toHaveLength(events.of('database.lost').length);
    expect(events.complaints).toEqual([]);
  });
});
