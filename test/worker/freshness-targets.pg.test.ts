import { describe, expect, it } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import type { Config } from '../../src/config/config.js';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import { listener } from '../commands/listener-process.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import type { TestDatabase } from '../support/database.js';
import { Gate } from './gate.js';
import { atRest, connect, createOrders, createTable, createView, freshDatabase, valueOf } from './scene.js';

const often = { retryBaseMs: 20, retryMaxMs: 50 };

/** One view with a target that is over soon; others have time enough on the slowest machine. */
function target(view: string, freshnessMs = 300): Pick<Config, 'overrides'> {
  return { overrides: [{ pattern: parseViewPattern(view), settings: { freshnessMs } }] };
}

/** mv_ratio fails while a row of orders has n = 0. */
async function ratios(overrides: Parameters<typeof startWorker>[2] = {}): Promise<{ db: TestDatabase; served: TestWorker }> {
  const db = await freshDatabase();
  await createOrders(db);
  await createView(db, 'mv_ratio', 'SELECT id, 100 / n AS ratio FROM public.orders', 'id');
  const served = await startWorker(db.url('worker'), ['mv_orders', 'mv_ratio'], { ...often, ...target('mv_ratio'), ...overrides });
  await served.events.until(() => served.events.of('refresh.done').length === 2);
  return { db, served };
}

const breakIt = 'INSERT INTO public.orders (id, n) VALUES (1000, 0)';
const mendIt = 'UPDATE public.orders SET n = 50 WHERE id = 1000';

describe('a view that is stale for longer than its target', () => {
  it('is told of once, with the cause, and so is the end', async () => {
    const { db, served: { events } } = await ratios(target('mv_ratio', 2_000)); // time enough to have failed before
    const from = events.mark;
    await db.app.query(breakIt);
    const missed = await events.next('freshness.missed');
    expect(missed).toMatchObject({ view: 'public.mv_ratio', targetMs: 2_000, because: 'its refreshes fail (division by zero)' });
    expect(missed.stalenessMs).toBeGreaterThan(2_000);
    // However often it fails and is looked at after that.
    await events.until(() => events.of('refresh.failed', from).length > 8);
    await db.app.query(mendIt);
    const restored = await events.next('freshness.restored');
    expect(restored).toMatchObject({ view: 'public.mv_ratio', because: 'refreshed' });
    expect(restored.missedForMs).toBeGreaterThan(0);
    expect(events.of('freshness.missed')).toHaveLength(1);
    expect(events.of('freshness.restored')).toHaveLength(1);
  });

  it('has its own target where the config file says so', async () => {
    const { db, served: { events } } = await ratios(target('mv_r*', 200));
    await db.app.query(breakIt);
    expect(await events.next('freshness.missed')).toMatchObject({ view: 'public.mv_ratio', targetMs: 200 });
  });

  it('is over its target with the view that it waits for', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_ratio', 'SELECT id, 100 / n AS ratio FROM public.orders', 'id');
    await createView(db, 'mv_top', 'SELECT max(ratio) AS top FROM public.mv_ratio');
    const { events } = await startWorker(db.url('worker'), ['mv_ratio', 'mv_top'], { ...often, ...target('mv_*') });
    await events.until(() => events.of('refresh.done').length === 2);
    await db.app.query(breakIt);
    expect(await events.next('freshness.missed', ({ view }) => view === 'public.mv_top')).toMatchObject({ because: 'it waits for public.mv_ratio' });
    await db.app.query(mendIt);
    await events.until(() => events.of('freshness.restored').length === 2);
  });

  it('is told with who has a lock in its way', async () => {
    const { db, served: { events } } = await ratios({ lockTimeoutMs: 100, ...target('mv_orders', 2_000) });
    const holder = await connect(db.worker);
    const pid = await valueOf<number>(holder, 'SELECT pg_backend_pid()');
    await holder.query('BEGIN');
    await holder.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_orders');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    const { because } = await events.next('freshness.missed', ({ view }) => view === 'public.mv_orders');
    expect(because).toContain('canceling statement due to lock timeout');
    expect(because).toMatch(new RegExp(`process ${pid} \\(idle in transaction, for [^)]+\\) has a lock in its way$`));
    await holder.query('COMMIT');
    await events.next('freshness.restored', ({ view }) => view === 'public.mv_orders');
  });

  it('is told while its refresh runs and runs', async () => {
    const db = await freshDatabase();
    const gate = await Gate.create(db);
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', `SELECT id, n FROM public.orders, ${gate.relation}`, 'id');
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], target('mv_orders', 2_000));
    await events.next('refresh.done');
    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    expect((await events.next('freshness.missed')).because).toMatch(/^a refresh has been running for /);
    await gate.open();
    await events.next('freshness.restored');
  });

  it('is told again by a worker that starts', async () => {
    const { db, served } = await ratios();
    await db.app.query(breakIt);
    await served.events.next('freshness.missed');
    await served.stop();
    expect(served.events.of('freshness.restored')).toEqual([]);
    const { events } = await startWorker(db.url('worker'), ['mv_orders', 'mv_ratio'], { ...often, ...target('mv_ratio') });
    expect(await events.next('freshness.missed')).toMatchObject({ view: 'public.mv_ratio' });
  });

  it('may be refreshed by somebody else', async () => {
    const { db, served } = await ratios({ retryBaseMs: 600_000, retryMaxMs: 600_000, sweepMs: 200 });
    await db.app.query(breakIt);
    await served.events.next('freshness.missed');
    await db.app.query(mendIt);
    await db.worker.query(`SELECT refresh_listener.refresh('public.mv_ratio')`);
    expect(await served.events.next('freshness.restored')).toMatchObject({ view: 'public.mv_ratio', because: 'refreshed' });
  });
});

describe('no miss is', () => {
  it('a view that is paused: neither while it is, nor for what it missed when it is resumed', async () => {
    const { db, served: { events } } = await ratios({ sweepMs: 100 });
    await db.app.query(breakIt);
    await events.next('freshness.missed');
    await db.worker.query(`UPDATE refresh_listener.view SET paused_at = now() WHERE name = 'public.mv_ratio'`);
    expect(await events.next('freshness.restored')).toMatchObject({ view: 'public.mv_ratio', because: 'paused' });
    await db.app.query(mendIt);
    const from = events.mark;
    // Many times its target.
    await events.until(() => events.of('sweep.done', from).length >= 15);
    await db.worker.query(`UPDATE refresh_listener.view SET paused_at = NULL WHERE name = 'public.mv_ratio'`);
    await events.next('refresh.done', ({ view }) => view === 'public.mv_ratio', from);
    expect(events.of('freshness.missed', from)).toEqual([]);
  });

  it('a transaction that was open for longer than the target', async () => {
    const { db, served: { events } } = await ratios({ ...target('mv_orders', 2_000), debounceMs: 800, sweepMs: 50 });
    const writer = await connect(db.app);
    await writer.query('BEGIN');
    await writer.query('INSERT INTO public.orders (n) VALUES (7)');
    await writer.query('SELECT pg_sleep(2.5)');
    const from = events.mark;
    await writer.query('COMMIT');
    expect((await events.next('refresh.done', ({ view }) => view === 'public.mv_orders', from)).stalenessMs).toBeGreaterThan(2_000);
    await events.next('sweep.done', () => true, events.mark);
    expect(events.of('freshness.missed')).toEqual([]);
  });
});

describe('what comes due by time', () => {
  it('misses its target as a change does', async () => {
    const db = await freshDatabase();
    await createView(db, 'mv_clock', 'SELECT clock_timestamp() AS at', 'at');
    const { events } = await startWorker(db.url('worker'), ['mv_clock'], { ...often, ...target('mv_clock'), maxAgeMs: 1_000, lockTimeoutMs: 100 });
    await events.next('refresh.done');
    const holder = await connect(db.worker);
    await holder.query('BEGIN');
    await holder.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_clock');
    expect(await events.next('freshness.missed')).toMatchObject({ view: 'public.mv_clock', targetMs: 300 });
    await holder.query('COMMIT');
    expect(await events.next('freshness.restored')).toMatchObject({ view: 'public.mv_clock', because: 'refreshed' });
  });
});

describe('a worker at rest', () => {
  it('asks the database nothing while nothing is stale', async () => {
    const { db, served: { events } } = await ratios(target('mv_*', 100));
    await db.app.query('INSERT INTO public.orders (n) VALUES (5)');
    await events.until(() => events.of('refresh.done').length === 4);
    // Many times its target: it returns when nobody has asked anything for so long.
    await atRest(db, 1_000);
    expect(events.of('sweep.done')).toHaveLength(1);
  });
});

describe('/readyz', () => {
  it('answers 503 while a view is over its target', async () => {
    const port = await freePort();
    const { db, served: { events } } = await ratios({ port });
    const readiness = async (): Promise<{ status: number; text: string }> => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      return { status: response.status, text: await response.text() };
    };
    expect(await readiness()).toMatchObject({ status: 200 });
    await db.app.query(breakIt);
    await events.next('freshness.missed');
    expect(await readiness()).toMatchObject({ status: 503, text: expect.stringMatching(/public\.mv_ratio has been stale for \S+, \S+ over its target of 300ms/) as string });
    await db.app.query(mendIt);
    await events.next('freshness.restored');
    expect(await readiness()).toMatchObject({ status: 200 });
  });
});

describe('status', () => {
  it('shows each target, and which are missed', async () => {
    const { db, served: { events } } = await ratios();
    await db.app.query(breakIt);
    await events.next('freshness.missed');
    const { status, stdout } = await listener(db.url('worker'), 'status', '--json');
    expect(status).toBe(0);
    const { views } = JSON.parse(stdout) as { views: { view: string; targetMs: number; missed: boolean }[] };
    expect(views.map(({ view, targetMs, missed }) => [view, targetMs, missed])).toEqual([['public.mv_orders', 600_000, false], ['public.mv_ratio', 300, true]]);
    const { stdout: text } = await listener(db.url('worker'), 'status');
    expect(text).toMatch(/public\.mv_ratio +failing +\S+ +300ms MISSED /);
    expect(text).toMatch(/2 views: .*; 1 over its freshness target\./);
    expect(text).toMatch(/public\.mv_ratio is \S+ over its freshness target of 300ms\./);
  });
});
