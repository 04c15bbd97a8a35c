import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { lockKeys } from '../../src/catalog/lock-key.js';
import { inOwnSession, sweeping } from '../catalog/worker-scene.js';
import { addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import { scrape } from '../health/samples.js';
import { runCommand } from '../support/command.js';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy } from '../support/silent-proxy.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Gate } from './gate.js';
import { connect, createOrders, createTable, createView, freshDatabase, sessionsOf, valueOf } from './scene.js';

/** A worker that tells of its health, and has refreshed what it serves. */
async function serving(
  db: TestDatabase, views: readonly string[], overrides: Parameters<typeof startWorker>[2] = {}, url = db.url('worker'),
): Promise<TestWorker & { readonly port: number }> {
  const port = await freePort();
  const worker = await startWorker(url, views, { ...overrides, port });
  const { views: names } = await worker.events.next('ready');
  await Promise.all(names.map((name) => worker.events.next('refresh.done', ({ view }) => view === name)));
  return { ...worker, port };
}

async function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

/** The status of /readyz, and why it is what it is. */
async function readiness(port: number): Promise<{ status: number; because: string[] }> {
  const { status, body } = await ask(port, '/readyz');
  const { ready, because } = JSON.parse(body) as { ready: boolean; because: string[] };
  expect(ready).toBe(status === 200);
  return { status, because };
}

async function orders(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  return db;
}

describe('the health of a worker', () => {
  it('is told while it serves, and while it stops, until nothing else is left of it', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    const gate = await Gate.create(db);
    await createView(db, 'mv_gated', `SELECT o.id FROM public.orders AS o, ${gate.relation} AS g`);
    const { port, worker, events } = await serving(db, ['mv_gated']);
    expect(await ask(port, '/healthz')).toEqual({ status: 200, body: 'alive\n' });
    expect(await ask(port, '/readyz')).toEqual({ status: 200, body: '{"ready":true,"because":[],"views":[]}\n' });

    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await gate.reached();
    const stale = await scrape(port);
    expect(stale.get('refresh_listener_view_staleness_seconds{view="public.mv_gated"}')).toBeGreaterThan(0);
    expect(stale.get('refresh_listener_log_rows')).toBeGreaterThan(0);
    const stopped = worker.stop({ force: false });
    expect(await readiness(port)).toEqual({ status: 503, because: ['the worker is stopping'] });
    expect((await ask(port, '/healthz')).status).toBe(200);
    expect((await scrape(port)).get('refresh_listener_ready')).toBe(0);
    await gate.open();
    await stopped;
    expect(events.of('refresh.done')).toHaveLength(2);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    await expect.poll(() => sessionsOf(db), { timeout: 5_000, interval: 20 }).toEqual([]);
  });

  it('is no good while a view is over its freshness target', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    const gate = await Gate.create(db);
    await createView(db, 'mv_gated', `SELECT o.id FROM public.orders AS o, ${gate.relation} AS g`);
    const { port, events } = await serving(db, ['mv_gated'], { freshnessMs: 500 });
    expect((await scrape(port)).get('refresh_listener_view_freshness_target_seconds{view="public.mv_gated"}')).toBe(0.5);
    await gate.close();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('freshness.missed');
    const { status, because } = await readiness(port);
    expect([status, because]).toEqual([503, [expect.stringMatching(/^public\.mv_gated has been stale for \S+, \S+ over its target of 500ms$/)]]);
    const { views } = JSON.parse((await ask(port, '/readyz')).body) as { views: unknown };
    expect(views).toEqual([{ view: 'public.mv_gated', stalenessMs: expect.any(Number) as number, targetMs: 500 }]);
    const samples = await scrape(port);
    expect(samples.get('refresh_listener_views_over_target')).toBe(1);
    expect(samples.get('refresh_listener_view_staleness_seconds{view="public.mv_gated"}')).toBeGreaterThan(0.5);
    await gate.open();
    await events.next('freshness.restored');
    expect((await readiness(port)).status).toBe(200);
  });

  it('is measured: refreshes, rings, what was skipped for the lock of another', async () => {
    const db = await orders();
    const { port, events } = await serving(db, ['mv_orders']);
    const series = '{view="public.mv_orders",reason="change",outcome="done"}';
    expect((await scrape(port)).get(`refresh_listener_refreshes_total${series}`)).toBe(0);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ reason }) => reason === 'change');
    await db.app.query("NOTIFY refresh_listener, 'junk'");
    await expect.poll(async () => (await scrape(port)).get('refresh_listener_rings_total{outcome="ignored"}'), { timeout: 10_000 }).toBe(1);
    const samples = await scrape(port);
    expect(samples.get(`refresh_listener_refreshes_total${series}`)).toBe(1);
    expect(samples.get('refresh_listener_refresh_duration_seconds_count{view="public.mv_orders"}')).toBe(2);
    expect(samples.get('refresh_listener_refresh_staleness_seconds_count{view="public.mv_orders"}')).toBeGreaterThanOrEqual(1);
    expect(samples.get('refresh_listener_rings_total{outcome="heard"}')).toBeGreaterThanOrEqual(1);
    expect(samples.get('refresh_listener_view_staleness_seconds{view="public.mv_orders"}')).toBe(0);
    expect(samples.get('refresh_listener_listening')).toBe(1);

    const other = await connect(db.worker);
    const id = await valueOf<number>(db.worker, 'SELECT id FROM refresh_listener.view');
    await other.query('SELECT pg_advisory_lock($1, $2)', [lockKeys.absorb, id]);
    await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
    await events.next('refresh.skipped', ({ because }) => because === 'locked');
    expect((await scrape(port)).get('refresh_listener_refreshes_skipped_total{view="public.mv_orders",outcome="locked"}')).toBeGreaterThanOrEqual(1);
    const from = events.mark;
    await other.query('SELECT pg_advisory_unlock($1, $2)', [lockKeys.absorb, id]);
    await events.next('refresh.done', () => true, from);
  });

  it('is measured: what no trigger saw, and when a sweep has last found that', async () => {
    const db = await orders();
    const { port, events } = await serving(db, ['mv_orders'], sweeping);
    expect((await scrape(port)).get('refresh_listener_unseen_changes_total')).toBe(0);
    await inOwnSession(db, 'admin', 'SET session_replication_role = replica', 'INSERT INTO public.orders (n) VALUES (7)');
    await events.next('change.unseen');
    const { mark } = events;
    await events.next('sweep.done', () => true, mark);
    const samples = await scrape(port);
    expect(samples.get('refresh_listener_unseen_changes_total')).toBe(1);
    expect(samples.get('refresh_listener_events_total{event="change.unseen"}')).toBe(1);
    expect(samples.get('refresh_listener_last_sweep_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000 - 60);
  });

  it('is measured of the views that are served, by the names that they have now', async () => {
    const db = await orders();
    await createView(db, 'mv_second', 'SELECT count(*) AS n FROM public.orders');
    const { port, events } = await serving(db, ['*'], sweeping);
    const viewsIn = async (): Promise<string[]> =>
      [...new Set([...(await scrape(port)).keys()].flatMap((series) => /view="([^"]*)"/.exec(series)?.[1] ?? []))].sort();
    expect(await viewsIn()).toEqual(['public.mv_orders', 'public.mv_second']);
    const from = events.mark;
    await db.worker.query('DROP MATERIALIZED VIEW public.mv_second; ALTER MATERIALIZED VIEW public.mv_orders RENAME TO mv_renamed');
    await events.next('view.missing', ({ view }) => view === 'public.mv_second', from);
    await expect.poll(viewsIn, { timeout: 10_000 }).toEqual(['public.mv_renamed']);
  });

  it('is that of a summary too', async () => {
    const db = await eventsAndSummary({ rows: 100 });
    const { port, events } = await serving(db, ['hourly']);
    const open = await connect(db.app);
    await open.query('BEGIN; INSERT INTO public.events (occurred_at) VALUES (now())');
    const from = events.mark;
    await addEvents(db, 10);
    await events.next('refresh.done', () => true, from);
    const samples = await scrape(port);
    expect(samples.get('refresh_listener_absorbed_rows_total{view="public.hourly"}')).toBe(110);
    expect(samples.get('refresh_listener_gap_rows{view="public.hourly"}')).toBe(1);
    expect(samples.get('refresh_listener_watermark_lag_rows{view="public.hourly"}')).toBe(0);
    expect(samples.get('refresh_listener_corrections_total{view="public.hourly"}')).toBe(0);
  });

  it('is no good while the listening connection is lost, though it polls, and is when it polls by choice', async () => {
    const db = await orders();
    const proxy = await startSilentProxy(db.url('worker'));
    onTestFinished(() => proxy.close());
    const { port, events } = await serving(db, ['mv_orders'], { listenUrl: proxy.url(db.url('worker')) });
    proxy.refuse();
    proxy.cut();
    await events.next('listen.lost');
    expect(await readiness(port)).toEqual({ status: 503, because: ['the listening connection is lost, and the worker polls until it is back'] });
    expect((await scrape(port)).get('refresh_listener_listening')).toBe(0);
    await proxy.accept();
    await events.next('listen.restored');
    expect((await readiness(port)).status).toBe(200);
    expect((await scrape(port)).get('refresh_listener_reconnects_total{connection="listen"}')).toBe(1);

    const pollingPort = await freePort();
    await startWorker(db.url('worker'), ['mv_orders'], { wake: 'poll', port: pollingPort });
    expect((await readiness(pollingPort)).status).toBe(200);
    expect((await scrape(pollingPort)).get('refresh_listener_listening')).toBe(0);
  });

  it('is told without the database, and a scrape that waits for it holds up no stop', async () => {
    const db = await orders();
    const proxy = await startSilentProxy(db.url('worker'));
    onTestFinished(() => proxy.close());
    const served = await serving(db, ['mv_orders'], { listenUrl: db.url('worker') }, proxy.url(db.url('worker')));
    const { port, events } = served;
    proxy.refuse();
    proxy.cut();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)'); // rings, and it cannot look
    await events.next('database.lost');
    expect(await readiness(port)).toEqual({ status: 503, because: ['the database cannot be reached'] });
    const samples = await scrape(port);
    expect(samples.get('refresh_listener_database_up')).toBe(0);
    expect(samples.has('refresh_listener_view_staleness_seconds{view="public.mv_orders"}')).toBe(false);
    expect(samples.get('refresh_listener_refreshes_total{view="public.mv_orders",reason="start",outcome="done"}')).toBe(1);
    await proxy.accept();
    await events.next('database.restored');
    expect((await readiness(port)).status).toBe(200);

    proxy.silence();
    const before = proxy.connectionCount;
    const waiting = scrape(port).then(() => 'answered', () => 'cut off');
    await expect.poll(() => proxy.connectionCount, { interval: 5 }).toBeGreaterThan(before);
    const startedAt = performance.now();
    proxy.cut(); // what the worker itself would wait for
    await served.stop();
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(await waiting).toBeOneOf(['cut off', 'answered']);
  });

  it('needs a port that is free: else one line, exit status 2, and nothing was changed', async () => {
    const db = await orders();
    const port = await freePort();
    const occupant = createServer().listen(port, '127.0.0.1');
    await once(occupant, 'listening');
    onTestFinished(() => void occupant.close());
    expect(await runCommand(['--views', 'mv_orders', '--port', String(port)], { DATABASE_URL: db.url('worker') })).toEqual({
      status: 2, stdout: '', stderr: `listener: --port: port ${port} of 127.0.0.1 is in use: choose another one, or stop what listens there\n`,
    });
    const bad = await runCommand(['--views', 'mv_orders'], { DATABASE_URL: db.url('worker'), LISTENER_PORT: String(port), LISTENER_HOST: '192.0.2.1' });
    expect(bad).toEqual({ status: 2, stdout: '', stderr: 'listener: LISTENER_HOST: 192.0.2.1 is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all that it has\n' });
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });
});
