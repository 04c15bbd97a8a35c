import { describe, expect, it } from 'vitest';
import { readRemains, uninstall, uninstallScript } from '../../src/catalog/uninstallation.js';
import type { Role, TestDatabase } from '../support/database.js';
import { makeWorker, startWorker } from '../support/test-worker.js';
import { installIn, listing, opened, printedIn, session } from './install-scene.js';
import { ownDatabase, startServing, sweeping, valueOf } from './worker-scene.js';

const tables = ['orders', 'customers', 'clicks', 'clicks_1', 'seldom'];

async function shop(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query(`
    CREATE TABLE public.orders (id int PRIMARY KEY); CREATE TABLE public.customers (id int); CREATE TABLE public.seldom (id int);
    CREATE TABLE public.clicks (at date, n int) PARTITION BY RANGE (at);
    CREATE TABLE public.clicks_1 PARTITION OF public.clicks FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER own AFTER INSERT ON public.orders EXECUTE FUNCTION public.own()`);
  await db.worker.query(`
    CREATE MATERIALIZED VIEW public.mv_orders AS SELECT o.id FROM public.orders AS o JOIN public.customers USING (id) JOIN public.seldom USING (id);
    CREATE MATERIALIZED VIEW public.mv_clicks AS SELECT count(*) AS n FROM public.clicks`);
  return db;
}

/** What `listener uninstall --yes` does. */
async function uninstallIn(db: TestDatabase, role: Role): Promise<void> {
  await opened(db.url(role), async (database) => {
    const { remains } = await readRemains(database);
    if (remains === undefined) throw new Error('there was nothing to uninstall');
    await uninstall(database, remains, () => ({ signal: new AbortController().signal, onWait: () => undefined }));
  });
}

describe('uninstall leaves nothing of ours in the catalog', () => {
  it.each<[string, (db: TestDatabase) => Promise<unknown>]>([
    ['by a role that owns neither tables nor triggers', (db) => uninstallIn(db, 'worker')],
    ['by a superuser', (db) => uninstallIn(db, 'admin')],
    ['by the printed SQL, in a migration', (db) => db.worker.query(`BEGIN; ${uninstallScript()}; COMMIT`)],
  ])('%s', async (_, remove) => {
    const db = await shop();
    const before = await listing(db);
    const worker = await startServing(db, ['mv_*'], sweeping);
    await worker.stop();
    await remove(db);
    expect(await listing(db)).toEqual(before);
    await db.app.query('INSERT INTO public.orders VALUES (1); UPDATE public.orders SET id = 2; TRUNCATE public.orders');
  });

  it('also what was installed by a printed script with grants', async () => {
    const db = await shop();
    await db.admin.query(`ALTER MATERIALIZED VIEW public.mv_clicks OWNER TO ${db.roles.app}; GRANT SELECT ON public.mv_clicks TO ${db.roles.worker}`);
    const before = await listing(db);
    await db.app.query(await printedIn(db, ['mv_orders'], db.roles.worker));
    await uninstallIn(db, 'app');
    expect(await listing(db)).toEqual(before);
  });

  it('where the TRIGGER privilege has been taken away, where a trigger has another name, and where the source is no source any more', async () => {
    const db = await shop();
    const before = await listing(db);
    await installIn(db, ['mv_*']);
    await db.app.query(`REVOKE TRIGGER ON public.orders FROM ${db.roles.worker}; ALTER TRIGGER refresh_listener ON public.customers RENAME TO "Odd name"`);
    await db.worker.query("DELETE FROM refresh_listener.view_source; DELETE FROM refresh_listener.source WHERE name = 'public.seldom'");
    await uninstallIn(db, 'worker');
    await db.app.query(`GRANT TRIGGER ON public.orders TO ${db.roles.worker}`);
    expect(await listing(db)).toEqual(before);
  });

  it('twice, and where nothing is', async () => {
    const db = await shop();
    await opened(db.url('worker'), async (database) => {
      expect(await readRemains(database)).toEqual({ database: db.name, remains: undefined });
    });
    await db.app.query(uninstallScript());
    await installIn(db, ['mv_*']);
    await uninstallIn(db, 'worker');
    await opened(db.url('worker'), async (database) => {
      expect(await readRemains(database)).toEqual({ database: db.name, remains: undefined });
    });
    expect((await installIn(db, ['mv_*'])).triggers.every(({ state }) => state === 'created')).toBe(true);
  });
});

/** How many wait for a lock on a table of this database. */
const waitingQuery = `SELECT count(*)::int FROM pg_locks
  WHERE NOT granted AND locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe('uninstall', () => {
  it('refuses a role that does not own the schema', async () => {
    const db = await shop();
    await installIn(db, ['mv_*']);
    await opened(db.url('app'), (database) => expect(readRemains(database)).rejects.toThrow(
      `The schema refresh_listener belongs to role ${db.roles.worker}, of which ${db.roles.app} is no member: uninstall as that role, or as a superuser.`,
    ));
  });

  it.each<[string, (db: TestDatabase) => Promise<unknown>]>([
    ['live', (db) => uninstallIn(db, 'worker')],
    ['as SQL', (db) => db.worker.query(uninstallScript())],
  ])('%s waits for open transactions, and writers beside them neither fail nor wait for long', async (_, remove) => {
    const db = await shop();
    await installIn(db, ['mv_*']);
    const slow = await session(db, 'app');
    const busy = await session(db, 'app');
    await slow.query('BEGIN; INSERT INTO public.orders VALUES (0)');
    let waiting = true;
    const removing = remove(db).finally(() => (waiting = false));
    removing.catch(() => undefined); // awaited below
    await expect.poll(() => valueOf(db, waitingQuery, 'admin'), { timeout: 10_000, interval: 10 }).toBe(1);
    let longestMs = 0;
    for (let row = 1; row <= 200; row += 1) {
      const startedAt = performance.now();
      await busy.query(`INSERT INTO public.orders VALUES (${row}); INSERT INTO public.customers VALUES (${row}); INSERT INTO public.clicks VALUES ('2026-05-05', 1)`);
      longestMs = Math.max(longestMs, performance.now() - startedAt);
    }
    expect(waiting).toBe(true);
    await slow.query('INSERT INTO public.seldom VALUES (1); COMMIT');
    await removing;
    await Promise.all([slow.end(), busy.end()]);
    // 200 ms is what each attempt waits, for one table live, and for each of these in turn as SQL.
    expect(longestMs).toBeLessThan(200 * tables.length + 500);
    expect(await valueOf(db, 'SELECT count(*)::int FROM public.orders', 'admin')).toBe(201);
    expect(await valueOf(db, "SELECT to_regnamespace('refresh_listener')::text", 'admin')).toBeNull();
  });

  it.each<[string, (db: TestDatabase) => Promise<unknown>]>([
    ['live', (db) => uninstallIn(db, 'worker')],
    ['as SQL', (db) => db.worker.query(uninstallScript())],
  ])('%s takes along a trigger that a worker is just creating', async (_, remove) => {
    const db = await shop();
    await installIn(db, ['mv_clicks']);
    const worker = await session(db, 'worker');
    await worker.query(`INSERT INTO refresh_listener.source (oid, name) VALUES ('public.orders'::pg_catalog.regclass, 'public.orders')`);
    await worker.query(`BEGIN; SELECT FROM refresh_listener.source FOR KEY SHARE;
      CREATE TRIGGER refresh_listener AFTER INSERT ON public.orders EXECUTE FUNCTION refresh_listener.record_change('9');
      INSERT INTO refresh_listener.change_log (source, operation) VALUES (9, 'T')`);
    const removing = remove(db);
    removing.catch(() => undefined); // awaited below
    await expect.poll(() => valueOf(db, waitingQuery, 'admin'), { timeout: 10_000, interval: 10 }).toBe(1);
    await worker.query('COMMIT');
    await removing;
    await worker.end();
    expect(await valueOf(db, "SELECT count(*)::int FROM pg_trigger WHERE tgname = 'refresh_listener'", 'admin')).toBe(0);
    await db.app.query('INSERT INTO public.orders VALUES (1)');
  });

  it('names the views that a worker serves', async () => {
    const db = await shop();
    await installIn(db, ['mv_*']);
    const served = (): Promise<readonly string[] | undefined> =>
      opened(db.url('worker'), async (database) => (await readRemains(database)).remains?.served);
    expect(await served()).toEqual([]);
    await startWorker(db.url('worker'), ['mv_orders']);
    expect(await served()).toEqual(['public.mv_orders']);
  });
});

describe('a worker under which the listener is uninstalled', () => {
  it('says so once, ends with exit status 1, and installs nothing', async () => {
    const db = await shop();
    const before = await listing(db);
    const { worker, events } = makeWorker(db.url('worker'), ['mv_*'], sweeping);
    await worker.start();
    await events.until(() => events.of('refresh.done').length === 2);
    await uninstallIn(db, 'worker');
    expect(await worker.finished).toBe(1);
    expect(events.complaints).toEqual([
      `The schema refresh_listener is no longer in database ${db.name}: the listener was uninstalled. This worker ends.`,
    ]);
    expect(events.all.at(-1)).toMatchObject({ event: 'stopped', exitStatus: 1 });
    expect(await listing(db)).toEqual(before);
  });

  it('does so with polling, too', async () => {
    const db = await shop();
    const { worker, events } = makeWorker(db.url('worker'), ['mv_*'], { wake: 'poll', pollMs: 20 });
    await worker.start();
    await events.until(() => events.of('refresh.done').length === 2);
    await uninstallIn(db, 'worker');
    expect(await worker.finished).toBe(1);
    expect(events.complaints).toHaveLength(1);
  });
});
