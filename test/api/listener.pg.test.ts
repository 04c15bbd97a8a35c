import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { createListener, UsageError, type Listener, type ListenerEvent, type ListenerFault, type ListenerOptions } from '../../src/index.js';
import { EventRecord } from '../support/event-record.js';
import type { TestDatabase } from '../support/database.js';
import { createOrders, freshDatabase, sessionsOf, valueOf } from '../worker/scene.js';

async function orders(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  return db;
}

/** A listener with short times, stopped at the end of the test; and what its catch-all handler hears. */
function listening(db: TestDatabase, options: Partial<ListenerOptions> = {}): { listener: Listener; events: EventRecord; faults: ListenerFault[] } {
  const listener = createListener({ views: 'mv_orders', databaseUrl: db.url('worker'), debounce: 50, maxWait: '1s', sweep: '10m', ...options } as ListenerOptions);
  onTestFinished(() => listener.stop());
  const events = new EventRecord();
  const faults: ListenerFault[] = [];
  listener.on('event', events.push).on('error', (fault) => faults.push(fault));
  return { listener, events, faults };
}

const write = (db: TestDatabase): Promise<unknown> => db.app.query('INSERT INTO public.orders (n) VALUES (1)');

describe('a listener', () => {
  it('keeps a view fresh, and tells each handler of its events', async () => {
    const db = await orders();
    const { listener, events, faults } = listening(db);
    const heard: ListenerEvent[] = [];
    const refreshed = (event: ListenerEvent): void => void heard.push(event);
    listener.on('refresh.done', refreshed).once('ready', refreshed);
    const signals = process.listenerCount('SIGTERM');
    await listener.start();
    expect(process.listenerCount('SIGTERM')).toBe(signals);
    await events.next('refresh.done');
    await write(db);
    const done = await events.next('refresh.done', ({ reason }) => reason === 'change');
    expect(done).toMatchObject({ view: 'public.mv_orders', plan: 'concurrent', sources: ['public.orders'], inserted: 1 });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
    expect(heard.map(({ event }) => event)).toEqual(['ready', 'refresh.done', 'refresh.done']);
    listener.off('refresh.done', refreshed);
    await write(db);
    await events.until(() => events.of('refresh.done').length === 3);
    expect(heard).toHaveLength(3);
    await listener.stop();
    expect(await listener.finished).toBe(0);
    expect(events.all.slice(-2)).toMatchObject([{ event: 'stopping', signal: null, force: false, graceMs: 20_000 }, { event: 'stopped', exitStatus: 0 }]);
    await expect.poll(() => sessionsOf(db), { timeout: 5_000, interval: 20 }).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('asks the rule before each refresh, and again with the next sweep when it said no', async () => {
    const db = await orders();
    let open = true;
    const asked: string[] = [];
    const { listener, events } = listening(db, {
      sweep: 200, shouldRefresh: ({ view, reason }) => { asked.push(`${view} ${reason}`); return open; },
    });
    await listener.start();
    await events.next('refresh.done');
    open = false;
    await write(db);
    expect(await events.next('refresh.skipped', ({ because }) => because === 'declined')).toMatchObject({ view: 'public.mv_orders', reason: 'change' });
    await events.next('refresh.skipped', ({ because, reason }) => because === 'declined' && reason === 'sweep');
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(10);
    open = true;
    expect(await events.next('refresh.done', ({ inserted }) => inserted === 1)).toMatchObject({ reason: 'sweep' });
    expect(asked.slice(0, 3)).toEqual(['public.mv_orders start', 'public.mv_orders change', 'public.mv_orders sweep']);
  });

  it('refreshes when the rule throws, and tells of it', async () => {
    const db = await orders();
    const { listener, events, faults } = listening(db, { shouldRefresh: () => Promise.reject(new Error('rule broke')) });
    await listener.start();
    await events.next('refresh.done');
    expect(faults).toMatchObject([{ message: expect.stringMatching(/\.$/) as string, error: { message: 'rule broke' } }]);
  });

  it('does not wait for a rule that never answers when it stops', async () => {
    const db = await orders();
    let isAsked = false;
    const { listener, events } = listening(db, { shouldRefresh: () => { isAsked = true; return new Promise(() => undefined); } });
    await listener.start();
    await expect.poll(() => isAsked, { interval: 5 }).toBe(true);
    const startedAt = performance.now();
    await listener.stop();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await listener.finished).toBe(0);
    expect(events.of('refresh.done')).toEqual([]);
  });

  it('goes on when a handler throws or rejects, and tells of it', async () => {
    const db = await orders();
    const { listener, events, faults } = listening(db);
    listener.on('ready', () => { throw new Error('at once'); }).on('refresh.done', () => Promise.reject(new Error('later')));
    await listener.start();
    await events.next('refresh.done');
    await write(db);
    await events.until(() => events.of('refresh.done').length === 2);
    await expect.poll(() => faults.length, { interval: 5 }).toBe(3);
    expect(faults).toMatchObject([
      { message: "A handler of 'ready' failed.", error: { message: 'at once' } },
      { message: "A handler of 'refresh.done' failed.", error: { message: 'later' } },
      { message: "A handler of 'refresh.done' failed.", error: { message: 'later' } },
    ]);
  });

  it('tells of its health on a port, and fails to start where that is taken', async () => {
    const db = await orders();
    const port = await freePort();
    const { listener, events } = listening(db, { port });
    await listener.start();
    await events.next('refresh.done');
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([200, { ready: true, because: [], views: [] }]);
    const second = listening(db, { port });
    await expect(second.listener.start()).rejects.toThrow(new UsageError(`port: port ${port} of 127.0.0.1 is in use: choose another one, or stop what listens there`));
    expect(await second.listener.finished).toBe(1);
    expect(second.events.all).toEqual([]);
    await listener.stop();
    await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow();
  });

  it('makes a warning of the process of what nobody hears', async () => {
    const db = await orders();
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warnings.mockRestore());
    const listener = createListener({ views: 'mv_orders', databaseUrl: db.url('worker'), once: true });
    listener.on('ready', () => { throw new Error('unheard'); });
    await listener.start();
    expect(await listener.finished).toBe(0); // with once it stops by itself
    expect(warnings.mock.calls).toMatchObject([["A handler of 'ready' failed.", { type: 'ListenerWarning', detail: expect.stringContaining('unheard') as string }]]);
    expect(await valueOf(db.admin, 'SELECT last_success IS NOT NULL FROM refresh_listener.view')).toBe(true);
  });

  it('starts once, however often it is told to, and stops likewise', async () => {
    const db = await orders();
    const { listener, events } = listening(db);
    await Promise.all([listener.start(), listener.start()]);
    await listener.start();
    expect(events.of('ready')).toHaveLength(1);
    await Promise.all([listener.stop(), listener.stop(), listener.stop({ force: true })]);
    await listener.stop();
    expect(events.of('stopping').map(({ force }) => force)).toEqual([false, true]);
    expect(events.of('stopped')).toHaveLength(1);
    await expect(listener.start()).rejects.toThrow('The listener was stopped: create another one.');
  });

  it('may be stopped before a start, and then not be started', async () => {
    const db = await orders();
    const { listener } = listening(db);
    await listener.stop();
    expect(await listener.finished).toBe(0);
    await expect(listener.start()).rejects.toThrow('The listener was stopped: create another one.');
    expect(await sessionsOf(db)).toEqual([]);
  });

  it('may be stopped during a start', async () => {
    const db = await orders();
    const { listener, events, faults } = listening(db);
    const starting = listener.start();
    await expect.poll(() => sessionsOf(db), { interval: 1 }).not.toEqual([]);
    await Promise.all([listener.stop(), starting]);
    expect(events.all.map(({ event }) => event).filter((event) => event.startsWith('stop'))).toEqual(['stopping', 'stopped']);
    expect(faults).toEqual([]);
    await expect.poll(() => sessionsOf(db), { timeout: 5_000, interval: 20 }).toEqual([]);
  });

  it('is stopped at the end of a block', async () => {
    const db = await orders();
    const { listener } = listening(db);
    {
      await using used = listener;
      await used.start();
    }
    expect(await listener.finished).toBe(0);
  });

  it('says what is wrong with a view, and leaves nothing behind', async () => {
    const db = await orders();
    const { listener, events } = listening(db, { views: 'mv_order' });
    await expect(listener.start()).rejects.toThrow(new UsageError('No materialized view matches mv_order. Did you mean public.mv_orders?'));
    expect(await listener.finished).toBe(1);
    expect(events.all).toEqual([]);
    await expect.poll(() => sessionsOf(db), { timeout: 5_000, interval: 20 }).toEqual([]);
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it('says that it could not connect, without the password', async () => {
    const db = await orders();
    const url = Object.assign(new URL(db.url('worker')), { hostname: '127.0.0.1', port: String(await freePort()) });
    const { listener } = listening(db, { databaseUrl: url.href });
    const error: unknown = await listener.start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringMatching(/nothing listens at/) as string });
    expect(String(error)).not.toContain(url.password);
  });
});
