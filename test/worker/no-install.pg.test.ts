import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/config/usage-error.js';
import type { TestDatabase } from '../support/database.js';
import { makeWorker, startWorker } from '../support/test-worker.js';
import { installIn, lockDown, printedIn, registered } from '../catalog/install-scene.js';
import { inOwnSession, ownDatabase, startServing, sweeping, sweeps, valueOf } from '../catalog/worker-scene.js';

const noInstall = { install: false } as const;

/** One table with one view, which belongs to the worker's role; that may create nothing. */
async function lockedDown(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders');
  await lockDown(db);
  return db;
}

async function installed(): Promise<TestDatabase> {
  const db = await lockedDown();
  await db.app.query(await printedIn(db, ['mv_orders'], db.roles.worker));
  return db;
}

async function refusal(db: TestDatabase): Promise<string> {
  const { worker, events } = makeWorker(db.url('worker'), ['mv_orders'], noInstall);
  const error: unknown = await worker.start().then(() => 'it started', (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(events.all).toEqual([]);
  return (error as UsageError).message;
}

describe('a worker with --no-install', () => {
  it('refuses a database without the schema, and tells what to do', async () => {
    const db = await lockedDown();
    expect(await refusal(db)).toBe(
      `Database ${db.name} has no schema refresh_listener, and --no-install creates none. ` +
        `Have its SQL run, which is written by: listener install --views mv_orders --print --role ${db.roles.worker}`,
    );
  });

  it.each([
    ['the schema', (worker: string) => `REVOKE USAGE ON SCHEMA refresh_listener FROM ${worker}`, 'GRANT USAGE ON SCHEMA refresh_listener'],
    ['a table', (worker: string) => `REVOKE UPDATE ON refresh_listener.view FROM ${worker}`, 'GRANT UPDATE ON refresh_listener.view'],
    ['several', (worker: string) => `REVOKE ALL ON refresh_listener.run FROM ${worker}`, 'GRANT SELECT, INSERT, DELETE ON refresh_listener.run'],
    ['the registers', (worker: string) => `REVOKE UPDATE ON SEQUENCE refresh_listener.hold_1 FROM ${worker}`, 'GRANT UPDATE ON ALL SEQUENCES IN SCHEMA refresh_listener'],
    ['a function', (worker: string) => `REVOKE EXECUTE ON FUNCTION refresh_listener.fingerprints FROM ${worker}`, 'GRANT EXECUTE ON FUNCTION refresh_listener.fingerprints(integer[])'],
  ])('names the GRANT where it lacks one for %s', async (_, revoke, grant) => {
    const db = await installed();
    await db.app.query(revoke(db.roles.worker));
    const message = await refusal(db);
    const remedy = `${grant} TO "${db.roles.worker}";`;
    expect(message).toBe(`Role ${db.roles.worker} lacks privileges in the schema refresh_listener. Run as ${db.roles.app}: ${remedy}`);
    await db.app.query(remedy);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], noInstall);
    await events.next('refresh.done');
  });

  it('refuses where a migration is missing', async () => {
    const db = await installed();
    await db.app.query("DELETE FROM refresh_listener.migration WHERE name LIKE '0002%'");
    expect(await refusal(db)).toMatch(/^The schema refresh_listener lacks migration 0002_\S+, and --no-install runs none\. Have its SQL run/);
  });

  it.each([
    ['whose trigger is missing', 'DROP TRIGGER refresh_listener ON public.orders', 'The trigger of public.orders, which public.mv_orders reads, is missing, and --no-install creates none.'],
    ['whose trigger is disabled', 'ALTER TABLE public.orders DISABLE TRIGGER refresh_listener', 'The trigger of public.orders, which public.mv_orders reads, is disabled, and --no-install creates none.'],
    ['that lacks a register', 'DROP SEQUENCE refresh_listener.log_1', 'public.orders, which public.mv_orders reads, is not installed, and --no-install forbids it.'],
    ['of another cluster', 'UPDATE refresh_listener.cluster SET system_identifier = 1', 'The schema refresh_listener came here from another database or cluster: what it says of tables and views is not true here.'],
  ])('refuses a source %s; the printed SQL, run again, is the remedy', async (_, damage, message) => {
    const db = await installed();
    await db.app.query(damage);
    expect(await refusal(db)).toContain(message);
    await db.app.query(await printedIn(db, ['mv_orders'], db.roles.worker));
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], noInstall);
    await events.next('refresh.done');
  });

  it('warns once of a trigger that goes missing later, keeps the view right by fingerprints, and warns anew the next time', async () => {
    const db = await installed();
    const serving = await startServing(db, ['mv_orders'], { ...sweeping, ...noInstall });
    const { events } = serving;
    for (const row of [1, 2]) {
      const from = events.mark;
      await db.app.query('DROP TRIGGER refresh_listener ON public.orders');
      const { because, views } = await events.next('source.unwatched', () => true, from);
      expect({ because, views }).toEqual({ because: 'a table without a working trigger, which --no-install does not create', views: ['public.mv_orders'] });
      await inOwnSession(db, 'app', `INSERT INTO public.orders VALUES (${row})`);
      await events.next('change.unseen', () => true, from);
      await events.next('refresh.done', () => true, from);
      expect(await valueOf(db, 'SELECT count(*)::int FROM public.mv_orders')).toBe(row);
      await sweeps(serving, 2);
      expect(events.of('source.unwatched', from)).toHaveLength(1);
      await db.app.query(await printedIn(db, ['mv_orders'], db.roles.worker));
      await sweeps(serving, 1);
    }
    expect(events.of('trigger.healed')).toEqual([]);
    expect(events.complaints).toEqual([]);
  });

  it('creates and removes nothing when views come, change and go; it serves a view that was created again', async () => {
    const db = await installed();
    const serving = await startServing(db, ['mv_*'], { ...sweeping, ...noInstall });
    const relations = "SELECT pg_catalog.array_agg(c.relname ORDER BY c.relname)::text FROM pg_class AS c WHERE c.relnamespace = 'refresh_listener'::regnamespace";
    const before = await valueOf(db, relations, 'admin');
    const from = serving.events.mark;
    await db.admin.query(`
      CREATE TABLE public.more (id int); ALTER TABLE public.more OWNER TO ${db.roles.app};
      DROP MATERIALIZED VIEW public.mv_orders;
      CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders UNION ALL SELECT id FROM public.more;
      GRANT SELECT ON public.more TO ${db.roles.worker}; ALTER MATERIALIZED VIEW public.mv_orders OWNER TO ${db.roles.worker}`);
    await serving.events.next('refresh.done', () => true, from);
    const { source } = await serving.events.next('source.unwatched', () => true, from);
    expect(source).toBe('public.more');
    const later = serving.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (5)');
    await serving.events.next('refresh.done', ({ reason }) => reason === 'change', later);
    await inOwnSession(db, 'app', 'INSERT INTO public.more VALUES (6)');
    await serving.events.next('refresh.done', ({ reason }) => reason === 'sweep', later);
    expect(await valueOf(db, 'SELECT count(*)::int FROM public.mv_orders')).toBe(2);
    expect(await valueOf(db, relations, 'admin')).toBe(before);
    expect(serving.events.complaints).toEqual([]);
    expect(serving.events.of('trigger.removed')).toEqual([]);
  });

  it('leaves a source alone that no view reads any more', async () => {
    const db = await installed();
    const before = await registered(db) as { triggers: unknown };
    const serving = await startServing(db, ['mv_*'], { ...sweeping, ...noInstall });
    await db.worker.query('DROP MATERIALIZED VIEW public.mv_orders');
    await serving.events.next('view.removed');
    await sweeps(serving, 2);
    expect((await registered(db) as { triggers: unknown }).triggers).toEqual(before.triggers);
    expect(serving.events.complaints).toEqual([]);
  });

  it('starts where a partition has no trigger, and tells', async () => {
    const db = await ownDatabase();
    await db.app.query(`CREATE TABLE public.clicks (at date) PARTITION BY RANGE (at);
      CREATE TABLE public.clicks_1 PARTITION OF public.clicks FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*) AS n FROM public.clicks');
    await lockDown(db);
    await db.app.query(await printedIn(db, ['mv_orders'], db.roles.worker));
    await db.app.query("CREATE TABLE public.clicks_2 PARTITION OF public.clicks FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')");
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], noInstall);
    expect((await events.next('source.unwatched')).source).toBe('public.clicks_2');
    await events.next('refresh.done');
    expect(events.complaints).toEqual([]);
  });

  it('needs no more of a role that could install', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public.orders (id int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders');
    expect(await refusal(db)).toContain('has no schema refresh_listener');
    await installIn(db, ['mv_orders']);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], noInstall);
    await events.next('refresh.done');
    expect(events.of('trigger.installed')).toEqual([]);
  });
});
