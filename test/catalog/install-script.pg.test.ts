import { describe, expect, it } from 'vitest';
import { tableGrants } from '../../src/catalog/worker-grants.js';
import { startWorker } from '../support/test-worker.js';
import { lockDown, printedIn, registered } from './install-scene.js';
import { inOwnSession, ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

/** An application with what its views may read: a table, partitions, a plain view, odd names, a view over a view. */
const application = `
  CREATE TABLE public.orders (id int PRIMARY KEY, customer int, amount int);
  CREATE TABLE public."Odd ""Name'
$sql$" (id int PRIMARY KEY);
  CREATE TABLE public.clicks (at date NOT NULL, n int) PARTITION BY RANGE (at);
  CREATE TABLE public.clicks_2026 PARTITION OF public.clicks FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE VIEW public.paid AS SELECT * FROM public.orders WHERE amount > 0;
  CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id, amount FROM public.paid;
  CREATE UNIQUE INDEX ON public.mv_orders (id);
  CREATE MATERIALIZED VIEW public.mv_clicks AS SELECT sum(n)::int AS n FROM public.clicks;
  CREATE MATERIALIZED VIEW public.mv_total AS SELECT (SELECT sum(amount) FROM public.mv_orders)::int AS n, (SELECT count(*) FROM public."Odd ""Name'
$sql$")::int AS odd;
  SELECT pg_stat_force_next_flush()`;

async function applicationDatabase(more = '') {
  const db = await ownDatabase();
  await db.app.query(`${application}; ${more}`);
  return db;
}

describe('the printed installation', () => {
  it('names no oid or id of the database it was printed from, and holds nothing that migration tools replace', async () => {
    const db = await applicationDatabase();
    const script = await printedIn(db, ['mv_*'], 'worker');
    const { rows } = await db.admin.query<{ oid: string }>(
      "SELECT oid::text FROM pg_class WHERE oid >= 16384 UNION SELECT oid::text FROM pg_database WHERE datname = current_database()");
    const numbers = new Set(script.match(/\d+/g));
    expect(rows.filter(({ oid }) => numbers.has(oid))).toEqual([]);
    expect(script).not.toContain(db.name);
    expect(script).not.toMatch(/#\{|\$\{|\{\{|\\/);
    for (const name of ['public.orders', 'public.clicks', 'public.mv_orders']) {
      expect(script).toContain(`SELECT refresh_listener.install_source('${name}', 3600000);`);
    }
    // Partitions are looked for where it runs.
    expect(script).not.toContain('clicks_2026');
  });

  it('works in one transaction, on another database with other partitions, as the owner of the tables', async () => {
    const from = await applicationDatabase();
    const to = await applicationDatabase("CREATE TABLE public.clicks_2027 PARTITION OF public.clicks FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')");
    const script = await printedIn(from, ['mv_*']);
    await to.app.query(`BEGIN; CREATE TABLE public.before (id int); ${script}; INSERT INTO before VALUES (1); COMMIT`);
    const { rows } = await to.admin.query<{ name: string; enabled: string }>(
      "SELECT tgrelid::regclass::text AS name, tgenabled AS enabled FROM pg_trigger WHERE tgname = 'refresh_listener' ORDER BY 1");
    expect(rows).toEqual(['"Odd ""Name\'\n$sql$"', 'clicks', 'clicks_2026', 'clicks_2027', 'orders'].map((name) => ({ name, enabled: 'A' })));
    const { rows: helpers } = await to.admin.query<{ name: string }>(
      "SELECT proname AS name FROM pg_proc WHERE pronamespace = 'refresh_listener'::regnamespace AND proname LIKE 'install%'");
    expect(helpers).toEqual([]);
    // Writers do not ring for nobody, and record for as long as a worker may take to come.
    const { rows: registers } = await to.admin.query<{ hours: number; silent: boolean }>(
      `SELECT round((pg_sequence_last_value(('refresh_listener.log_' || id)::regclass) / 1000.0 - extract(epoch FROM clock_timestamp())) / 3600)::int AS hours,
              pg_sequence_last_value(('refresh_listener.hold_' || id)::regclass) = 0 AS silent FROM refresh_listener.source`);
    expect(new Set(registers.map((row) => JSON.stringify(row)))).toEqual(new Set(['{"hours":1,"silent":true}']));
  });

  it('leaves a worker nothing to install, and may be run again', async () => {
    const db = await applicationDatabase();
    await db.admin.query(`GRANT ${db.roles.app} TO ${db.roles.worker}`); // on these terms the worker is no stranger to schema and tables
    const script = await printedIn(db, ['mv_*']);
    await db.app.query(script);
    const before = await registered(db);
    await db.app.query(script);
    expect(await registered(db)).toEqual(before);
    const { events } = await startServing(db, ['mv_*'], sweeping);
    for (const name of ['trigger.installed', 'trigger.healed', 'trigger.removed', 'view.removed', 'change.unseen', 'log.lapsed', 'cluster.changed'] as const) {
      expect(events.of(name)).toEqual([]);
    }
    expect(events.complaints).toEqual([]);
    expect(await registered(db)).toEqual(before);
  });

  it('serves a role that may refresh the view, and nothing else', async () => {
    const from = await applicationDatabase();
    const db = await applicationDatabase();
    await lockDown(db);
    const { worker, app } = db.roles;
    const hasMaintain = await valueOf(db, "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000", 'admin');
    if (hasMaintain !== true) {
      // Before version 17 only the owner may refresh. It can be given away even to a role without CREATE, by a superuser.
      for (const view of ['mv_orders', 'mv_clicks', 'mv_total']) await db.admin.query(`ALTER MATERIALIZED VIEW public.${view} OWNER TO ${worker}`);
    }
    await db.app.query(await printedIn(from, ['mv_*'], worker));
    const serving = await startServing(db, ['mv_*'], { ...sweeping, install: false });
    const { events } = serving;
    expect(events.complaints).toEqual([]);
    expect(events.of('source.unwatched')).toEqual([]);

    // The registers let it hear the bell, and what has been written shows.
    const from2 = events.mark;
    await inOwnSession(db, 'app', 'INSERT INTO public.orders VALUES (1, 1, 10)', "INSERT INTO public.clicks VALUES ('2026-05-01', 3)");
    const done = await events.next('refresh.done', ({ view }) => view === 'public.mv_total', from2);
    expect(done.reason).toMatch(/upstream|change/);
    await events.next('refresh.done', ({ view }) => view === 'public.mv_clicks', from2);
    expect(await valueOf(db, 'SELECT n FROM public.mv_total', 'admin')).toBe(10);
    expect(await valueOf(db, 'SELECT n FROM public.mv_clicks', 'admin')).toBe(3);
    expect(await sweeps(serving, 2)).toMatchObject([{ healed: 0 }, { healed: 0 }]);
    await serving.stop();
    expect(await valueOf(db, `SELECT count(*)::int FROM pg_class WHERE relowner = '${worker}'::regrole AND relnamespace = 'refresh_listener'::regnamespace`, 'admin')).toBe(0);
    expect(await valueOf(db, `SELECT nspowner = '${app}'::regrole FROM pg_namespace WHERE nspname = 'refresh_listener'`, 'admin')).toBe(true);
  });

  it('grants the use of every table of the schema', async () => {
    const db = await applicationDatabase();
    await db.app.query(await printedIn(db, ['mv_orders']));
    const { rows } = await db.admin.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'refresh_listener'::regnamespace AND relkind = 'r'");
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(tableGrants).sort());
  });

  it.each([
    ['a table that is missing', 'ALTER TABLE public.orders RENAME TO sales', /public\.orders does not exist in this database/],
    ['a view that reads more than was reviewed', `CREATE TABLE public.secret (n int); DROP MATERIALIZED VIEW public.mv_clicks;
      CREATE MATERIALIZED VIEW public.mv_clicks AS SELECT n FROM public.clicks UNION ALL SELECT n FROM public.secret`,
     /public\.mv_clicks reads public\.secret in this database, of which this script knows nothing/],
    ['a trigger of that name which is somebody else\'s', `CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER refresh_listener AFTER INSERT ON public.orders EXECUTE FUNCTION public.f()`, /public\.orders has a trigger named refresh_listener that is not ours/],
  ])('fails on %s, and leaves nothing', async (_, change, message) => {
    const from = await applicationDatabase();
    const script = await printedIn(from, ['mv_*']);
    const to = await applicationDatabase(change);
    await expect(to.app.query(script)).rejects.toThrow(message);
    expect(await valueOf(to, "SELECT pg_catalog.to_regnamespace('refresh_listener')::text")).toBeNull();
  });

  it('begins anew what a dump has brought from another cluster', async () => {
    const db = await applicationDatabase();
    await db.admin.query(`GRANT ${db.roles.app} TO ${db.roles.worker}`);
    const script = await printedIn(db, ['mv_*']);
    await db.app.query(script);
    await db.app.query('UPDATE refresh_listener.cluster SET system_identifier = 1; UPDATE refresh_listener.source SET oid = oid::int8 + 1000000');
    await db.app.query(script);
    const serving = await startServing(db, ['mv_*'], sweeping);
    const { events } = serving;
    expect(events.of('cluster.changed')).toEqual([]);
    expect(events.of('trigger.healed')).toEqual([]);
    expect(await sweeps(serving, 1)).toMatchObject([quiet]);
  });

  it('waits for a running writer without making others wait', async () => {
    const db = await applicationDatabase();
    const script = await printedIn(db, ['mv_*']);
    const writer = await db.app.connect();
    const other = await db.app.connect();
    try {
      await writer.query('BEGIN; INSERT INTO public.orders VALUES (1, 1, 1)');
      const installing = db.app.query(script);
      await expect.poll(
        () => valueOf(db, "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND relation = 'public.orders'::regclass", 'admin'),
        { timeout: 10_000, interval: 10 },
      ).toBe(1);
      await other.query("SET statement_timeout = '5s'; INSERT INTO public.orders VALUES (2, 1, 1); INSERT INTO public.clicks VALUES ('2026-01-01', 1)");
      await writer.query('COMMIT');
      await installing;
    } finally {
      writer.release();
      other.release();
    }
    expect(await valueOf(db, "SELECT count(*)::int FROM pg_trigger WHERE tgname = 'refresh_listener'", 'admin')).toBe(4);
  });

  it('is no place for statements that a name carries', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public."t\n; CREATE TABLE public.injected (n int); --" (n int)');
    await db.app.query('CREATE MATERIALIZED VIEW public."mv\nCREATE TABLE public.injected (n int); --" AS SELECT n FROM public."t\n; CREATE TABLE public.injected (n int); --"');
    await expect(db.app.query(await printedIn(db, ['public.*'], 'nobody\nSELECT 1 / 0; --'))).rejects.toThrow(/role .* does not exist/s);
    await db.app.query(await printedIn(db, ['public.*']));
    expect(await valueOf(db, "SELECT to_regclass('public.injected')::text", 'admin')).toBeNull();
    expect(await valueOf(db, "SELECT count(*)::int FROM pg_trigger WHERE tgname = 'refresh_listener'", 'admin')).toBe(1);
  });
});

describe('a worker behind a printed installation', () => {
  it('finds what was written between installation and start', async () => {
    const db = await applicationDatabase();
    await db.admin.query(`GRANT ${db.roles.app} TO ${db.roles.worker}`);
    await db.app.query(await printedIn(db, ['mv_orders']));
    await db.app.query('INSERT INTO public.orders VALUES (7, 1, 7)');
    expect(await valueOf(db, "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'I'", 'admin')).toBe(1);
    const { events } = await startWorker(db.url('worker'), ['mv_orders']);
    await events.next('refresh.done');
    expect(await valueOf(db, 'SELECT amount FROM public.mv_orders', 'admin')).toBe(7);
  });
});
