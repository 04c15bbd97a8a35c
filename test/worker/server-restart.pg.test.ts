import { describe, expect, it, type TestContext } from 'vitest';
import type { EmbeddedServer } from '../../dev/embedded-server.js';
import type { Config } from '../../src/config/config.js';
import type { TestDatabase } from '../support/database.js';
import type { EventRecord } from '../support/event-record.js';
import { startOwnServer } from '../support/own-server.js';
import { startWorker } from '../support/test-worker.js';
import { atRest, createOrders, difference, freshDatabase, valueOf } from './scene.js';

async function scene(context: TestContext, overrides: Partial<Config> = {}): Promise<{ server: EmbeddedServer; db: TestDatabase; events: EventRecord }> {
  const server = await startOwnServer(context);
  const db = await freshDatabase(server.url);
  await createOrders(db);
  const { events } = await startWorker(db.url('worker'), ['mv_orders'], overrides);
  await events.next('refresh.done');
  if (overrides.wake !== 'poll') await atRest(db);
  return { server, db, events };
}

async function expectFresh(db: TestDatabase, events: EventRecord): Promise<void> {
  expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
  // Whatever was noticed of the outage has ended.
  await events.until(() => events.of('database.lost').length === 0 || events.of('database.restored').length > 0);
  await events.until(() => events.of('listen.lost').length === events.of('listen.restored').length);
}

describe('a restart of the server', () => {
  it('in order: the worker comes back by itself, and a change made afterwards arrives', async (context) => {
    const { server, db, events } = await scene(context);
    const from = events.mark;
    await server.restart('fast');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
    await events.next('listen.restored');
    await events.next('sweep.done', () => true, from);
    await expectFresh(db, events);
    expect(events.of('log.reset')).toEqual([]); // the log survives an orderly end
    expect(events.of('refresh.done', from)).toHaveLength(1);
  });

  it('by a crash: the log is lost, the views are absorbed anew and show what was committed just before', async (context) => {
    const { server, db, events } = await scene(context);
    await db.app.query('INSERT INTO public.orders (n) SELECT i FROM generate_series(1, 100) AS i');
    await server.restart('immediate');
    const reset = await events.next('log.reset');
    expect(reset).toMatchObject({ views: ['public.mv_orders'] });
    await events.next('refresh.done', () => true, events.all.indexOf(reset));
    await expectFresh(db, events);
    const later = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ inserted }) => inserted === 1, later);
    expect(events.of('log.reset')).toHaveLength(1);
  });

  it('by a crash beneath a prepared transaction: it is absorbed when it commits at last', async (context) => {
    const { server, db, events } = await scene(context, { wake: 'poll', sweepMs: 500 });
    const writer = await db.app.connect();
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (1)');
    await writer.query("PREPARE TRANSACTION 'survivor'");
    writer.release(true);
    await server.restart('immediate');
    await events.next('log.reset');
    const from = events.mark;
    await events.next('refresh.done', () => true, from);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(10);

    await events.next('sweep.done', () => true, events.mark); // not while a sweep is under way
    const committedFrom = events.mark;
    await db.app.query("COMMIT PREPARED 'survivor'"); // its log row was lost in the crash
    await events.next('refresh.done', ({ inserted }) => inserted === 1, committedFrom);
    // It was waited for, and not come upon by its row counters.
    expect(events.of('change.unseen', committedFrom)).toEqual([]);
    await expectFresh(db, events);
    // That settles it: no sweep absorbs it again.
    const settledFrom = events.mark;
    await events.until(() => events.of('sweep.done', settledFrom).length === 2);
    expect(events.of('refresh.done', settledFrom)).toEqual([]);
    expect(events.of('change.unseen', settledFrom)).toEqual([]);
  });
});
