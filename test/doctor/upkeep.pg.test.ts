import { describe, expect, it } from 'vitest';
import { startOwnServer } from '../support/own-server.js';
import { connect, freshDatabase } from '../worker/scene.js';
import { valueOf } from '../catalog/worker-scene.js';
import { runRemedy, servedShop, trouble } from './scene.js';

describe('a transaction that is open for long', () => {
  it('is told with who it is, until it has been ended', async () => {
    const db = await servedShop();
    const client = await connect(db.app);
    client.on('error', () => undefined); // it is ended by the remedy
    await client.query("SET application_name = 'rails'; BEGIN; UPDATE public.orders SET n = 0");
    const pid = await valueOf(db, 'SELECT pg_catalog.pg_backend_pid()', 'app');
    const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    expect(pid).not.toBe(rows[0]?.pid);
    const visit = { role: 'admin' as const, thresholds: { transactionMs: 0 } };
    const told = async () => (await trouble(db, 'long transactions', visit)).filter(({ what }) => what.includes(`pid ${rows[0]?.pid ?? 0},`));

    const [found] = await told();
    expect(found?.what).toMatch(new RegExp(`^${db.roles.app} \\(rails, pid \\d+, idle in transaction\\) has been in a transaction for \\d`));
    expect(await trouble(db, 'long transactions', { role: 'admin' })).toEqual([]);
    await runRemedy(db, 'admin', found);
    expect(await told()).toEqual([]);
  });

  it('is told of a role that may not see since when, by how many transactions have begun since', async () => {
    const db = await servedShop();
    const client = await connect(db.app);
    await client.query('BEGIN; UPDATE public.orders SET n = 0');
    const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    for (let i = 0; i < 3; i += 1) await db.app.query('SELECT pg_catalog.pg_current_xact_id()');
    const found = await trouble(db, 'long transactions', { thresholds: { transactions: 2 } });
    expect(found.find(({ what }) => what.includes(`pid ${rows[0]?.pid ?? 0}`))?.what).toContain('for a time that this role may not see');
    await client.query('ROLLBACK');
  });
});

describe('a replication slot that nobody uses', () => {
  it('is told until it has been dropped', async (context) => {
    const db = await servedShop();
    if ((await valueOf(db, "SELECT pg_catalog.current_setting('wal_level')")) !== 'logical') context.skip('wal_level of this server is not logical');
    const slot = `slot_${db.name}`;
    await db.admin.query('SELECT pg_catalog.pg_create_logical_replication_slot($1, $2)', [slot, 'pgoutput']);
    const told = async (transactions: number) => (await trouble(db, 'replication slots', { thresholds: { transactions } })).filter(({ what }) => what.includes(slot));
    const [found] = await told(0);
    expect(found).toMatchObject({ level: 'warning', what: expect.stringContaining(`Nobody reads from the replication slot ${slot}`) as string });
    expect(await told(1_000_000)).toEqual([]);
    await runRemedy(db, 'admin', found);
    expect(await told(0)).toEqual([]);
  });
});

describe('the queue of notifications', () => {
  it('that a listening session in a transaction keeps from being emptied is told, until the session has been ended', async (context) => {
    // A server of its own: the queue is the whole server's, and so are the suspects.
    const server = await startOwnServer(context);
    const db = await freshDatabase(server.url);
    const listener = await connect(db.app);
    listener.on('error', () => undefined); // it is ended by the remedy
    await listener.query('LISTEN refresh_listener_test');
    await listener.query("SET application_name = 'deaf'; BEGIN; SELECT 1");
    await db.app.query("SELECT pg_catalog.pg_notify('refresh_listener_test', i || repeat('x', 7900)) FROM generate_series(1, 20) AS i");
    const visit = { role: 'admin' as const, thresholds: { queueUsage: 10 / 2 ** 20 } };

    const [found] = await trouble(db, 'notification queue', visit);
    expect(found).toMatchObject({
      level: 'warning', what: expect.stringMatching(/^The notification queue is 0\.\d+% full$/) as string,
      why: expect.stringContaining(`The oldest transaction is that of ${db.roles.app} (deaf, pid `) as string,
    });
    expect(await trouble(db, 'notification queue', { role: 'admin' })).toEqual([]);
    const gone = new Promise((resolve) => listener.once('end', resolve));
    await runRemedy(db, 'admin', found);
    await gone;
    expect(await trouble(db, 'notification queue', visit)).toEqual([]);
  });
});

describe('the change log', () => {
  it('is told with the view for which it is kept, until that has absorbed it', async () => {
    const db = await servedShop();
    const visit = { thresholds: { waitingMs: -1_000_000 } };
    expect(await trouble(db, 'change log', visit)).toEqual([]);
    await db.app.query('INSERT INTO public.orders VALUES (11, 11)');
    expect(await trouble(db, 'change log')).toEqual([]);
    const [found] = await trouble(db, 'change log', visit);
    expect(found).toMatchObject({
      level: 'warning', view: 'public.mv_orders', what: expect.stringMatching(/^public\.mv_orders has not absorbed a change from .* ago$/) as string,
      remedy: "SELECT refresh_listener.refresh('public.mv_orders');",
    });
    const [large] = (await trouble(db, 'change log', { thresholds: { logBytes: 1 } })).filter(({ what }) => what.includes('takes'));
    expect(large?.why).toBeDefined();
    await runRemedy(db, 'worker', found);
    expect(await trouble(db, 'change log', visit)).toEqual([]);
  });

  it('that was cleaned and not cleared is told, until vacuum has come', async () => {
    const db = await servedShop();
    await db.worker.query(`INSERT INTO refresh_listener.change_log (source, operation) SELECT 1, 'I' FROM generate_series(1, 4000)`);
    await db.worker.query('DELETE FROM refresh_listener.change_log WHERE source = 1');
    const visit = { thresholds: { logBytes: 100_000 } };
    const found = await trouble(db, 'change log', visit);
    expect(found).toEqual([expect.objectContaining({ level: 'warning', what: expect.stringMatching(/^The change log takes \d+ kB for \d rows?$/) as string })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'change log', visit)).toEqual([]);
  });
});

describe('the server', () => {
  it('that does not count rows is told, until it does', async () => {
    const db = await servedShop();
    await db.admin.query(`ALTER DATABASE ${db.name} SET track_counts = off`);
    const found = await trouble(db, 'track_counts');
    expect(found).toEqual([expect.objectContaining({ level: 'warning', remedy: `ALTER DATABASE ${db.name} RESET track_counts;` })]);
    await runRemedy(db, 'admin', found[0]);
    expect(await trouble(db, 'track_counts')).toEqual([]);
  });

  it('that does not count rows of one role is told, until it does; one that counts them again somewhere is not', async () => {
    const db = await servedShop();
    await db.admin.query(`ALTER ROLE ${db.roles.app} SET track_counts = off; ALTER ROLE ${db.roles.app} IN DATABASE ${db.name} SET track_counts = on;
      ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET track_counts = 'false'; ALTER ROLE ${db.roles.worker} SET track_counts = 'no'`);
    const own = await trouble(db, 'track_counts');
    expect(own.map(({ remedy }) => remedy)).toEqual([
      `ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} RESET track_counts;`, `ALTER ROLE ${db.roles.worker} RESET track_counts;`,
    ]);
    for (const finding of own) await runRemedy(db, 'admin', finding);
    expect(await trouble(db, 'track_counts')).toEqual([]);

    await db.admin.query(`ALTER ROLE ${db.roles.app} IN DATABASE ${db.name} RESET track_counts`);
    const [found] = await trouble(db, 'track_counts');
    expect(found).toMatchObject({
      level: 'warning', what: `track_counts is off for role ${db.roles.app}, so that rows written there are not counted`, remedy: `ALTER ROLE ${db.roles.app} RESET track_counts;`,
    });
    await runRemedy(db, 'admin', found);
    expect(await trouble(db, 'track_counts')).toEqual([]);
  });

  it('that publishes all tables is told, until it publishes those of the application alone, and as before', async () => {
    const db = await servedShop();
    await db.admin.query(`CREATE SCHEMA "Shop"; CREATE TABLE "Shop".t (id int PRIMARY KEY);
      CREATE PUBLICATION "All" FOR ALL TABLES WITH (publish = 'insert, delete', publish_via_partition_root = true)`);
    const found = await trouble(db, 'publications');
    expect(found).toEqual([expect.objectContaining({ level: 'warning', what: expect.stringContaining('Publication "All" is FOR ALL TABLES') as string })]);
    await runRemedy(db, 'admin', found[0]);
    expect(await trouble(db, 'publications')).toEqual([]);
    const { rows } = await db.admin.query(`
      SELECT pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot,
             (SELECT array_agg(schemaname || '.' || tablename ORDER BY 1) FROM pg_catalog.pg_publication_tables) AS tables
      FROM pg_catalog.pg_publication`);
    expect(rows).toEqual([{ pubinsert: true, pubupdate: false, pubdelete: true, pubtruncate: false, pubviaroot: true, tables: expect.arrayContaining(['Shop.t', 'public.orders']) as string[] }]);
    expect(JSON.stringify(rows)).not.toContain('refresh_listener');
  });
});
