import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { atRest, createOrders, freshDatabase, sessionsOf } from './scene.js';

/** A worker at rest whose listening connection alone leads through a proxy. */
async function scene(overrides: Parameters<typeof startWorker>[2] = {}): Promise<{ db: TestDatabase; proxy: SilentProxy; served: TestWorker }> {
  const db = await freshDatabase();
  await createOrders(db);
  const proxy = await startSilentProxy(db.url('worker'));
  onTestFinished(() => proxy.close());
  const served = await startWorker(db.url('worker'), ['mv_orders'], { listenUrl: proxy.url(db.url('worker')), ...overrides });
  await served.events.next('refresh.done');
  return { db, proxy, served };
}

async function expectChange(db: TestDatabase, { events }: TestWorker): Promise<void> {
  const from = events.mark;
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  expect(await events.next('refresh.done', () => true, from)).toMatchObject({ inserted: 1, sources: ['public.orders'] });
}

describe('a listening connection that is lost', () => {
  it('is replaced after the server ended it, and a sweep looks for what was missed', async () => {
    const { db, served } = await scene();
    const { events } = served;
    const [doorbell] = await sessionsOf(db, 'doorbell');
    const from = events.mark;
    await db.admin.query('SELECT pg_terminate_backend($1)', [doorbell]);
    expect(await events.next('listen.lost')).toMatchObject({ error: 'terminating connection due to administrator command' });
    expect(await events.next('listen.restored')).toMatchObject({ attempts: 1 });
    await events.next('sweep.done', () => true, from);
    await expectChange(db, served);
    expect(events.of('listen.lost')).toHaveLength(1);
    expect(events.complaints).toEqual([]);
  });

  it('is made up for by polling as long as it cannot be had', async () => {
    const { db, proxy, served } = await scene();
    const { events } = served;
    proxy.refuse();
    proxy.cut();
    await events.next('listen.lost');
    for (let change = 0; change < 3; change += 1) await expectChange(db, served);
    expect(events.of('listen.restored')).toEqual([]);
    expect(events.of('sweep.done')).toHaveLength(1); // polling found them

    const from = events.mark;
    await proxy.accept();
    expect((await events.next('listen.restored')).attempts).toBeGreaterThan(0);
    await events.next('sweep.done', () => true, from);
    await expectChange(db, served);
    expect(events.of('database.lost')).toEqual([]);
  });

  it('is noticed although nothing tells: half open, by a canary that stays away', async () => {
    const { db, proxy, served } = await scene({ canaryMs: 300 });
    const { events } = served;
    proxy.silence();
    await events.next('listen.lost', ({ error }) => error.includes('canary') || error.includes('NOTIFY'));
    await expectChange(db, served);
    proxy.resume();
    await events.next('listen.restored');
    await expectChange(db, served);
    expect(events.of('database.lost')).toEqual([]);
  });

  it('loses nothing that was written while it was deaf and did not know', async () => {
    const { db, proxy, served } = await scene({ canaryMs: 1_000 });
    const { events } = served;
    await atRest(db);
    const from = events.mark;
    proxy.silence();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)'); // its ring is swallowed
    expect(await events.next('refresh.done', () => true, from)).toMatchObject({ inserted: 1 });
    expect(events.all.slice(from).map(({ event }) => event)).toEqual(['listen.lost', 'refresh.done']);
  });
});
