import { describe, expect, it } from 'vitest';
import type { CheckedFinding } from '../../src/doctor/finding.js';
import type { TestDatabase } from '../support/database.js';
import { PgBouncer } from '../wake/pgbouncer.js';
import { ownDatabase, valueOf } from '../catalog/worker-scene.js';
import { diagnose, runRemedy, serveOnce, servedShop, trouble } from './scene.js';

/** Whether a write leaves a row in the log. */
async function isRecorded(db: TestDatabase): Promise<boolean> {
  const rows = () => valueOf(db, "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'U'");
  const before = await rows();
  await db.app.query('UPDATE public.orders SET n = n + 1 WHERE id = 1');
  return (await rows()) !== before;
}

describe('a trigger', () => {
  it.each([
    ['dropped', 'DROP TRIGGER refresh_listener ON public.orders', 'public.orders has no trigger: it was dropped, or could not be created yet'],
    ['disabled', 'ALTER TABLE public.orders DISABLE TRIGGER refresh_listener', 'public.orders has its trigger disabled'],
    ['altered', `CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT ON public.orders FOR EACH STATEMENT EXECUTE FUNCTION refresh_listener.record_change('1')`,
      'public.orders has a trigger of ours that was altered'],
  ])('that was %s is a failure, which its remedy ends', async (_what, fault, what) => {
    const db = await servedShop();
    await db.admin.query(fault);
    expect(await isRecorded(db)).toBe(false);
    const found = await trouble(db, 'triggers');
    expect(found).toEqual([expect.objectContaining({ level: 'failure', source: 'public.orders', what })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'triggers')).toEqual([]);
    expect(await isRecorded(db)).toBe(true);
    // What went unseen meanwhile must not be forgotten.
    expect(await valueOf(db, "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'T' AND source <> 0")).toBeGreaterThan(0);
  });

  it('of somebody else that bears our name is not replaced: it is given another, and ours is told as missing', async () => {
    const db = await servedShop();
    await db.app.query(`
      DROP TRIGGER refresh_listener ON public.orders;
      CREATE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER refresh_listener AFTER INSERT ON public.orders EXECUTE FUNCTION public.theirs()`);
    const [theirs] = await trouble(db, 'triggers');
    expect(theirs?.what).toBe('public.orders has a trigger named refresh_listener that is not ours');
    await runRemedy(db, 'app', theirs);
    const [missing] = await trouble(db, 'triggers');
    expect(missing?.what).toContain('has no trigger');
    await runRemedy(db, 'worker', missing);
    expect(await trouble(db, 'triggers')).toEqual([]);
    expect(await valueOf(db, "SELECT count(*)::int FROM pg_catalog.pg_trigger WHERE tgname LIKE 'refresh_listener%'")).toBe(2);
  });
});

describe('a partition', () => {
  async function partitioned(): Promise<TestDatabase> {
    const db = await ownDatabase();
    await db.app.query(`CREATE TABLE public.orders (id int, n int) PARTITION BY LIST (id);
      CREATE TABLE public.orders_1 PARTITION OF public.orders FOR VALUES IN (1)`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT sum(n) AS n FROM public.orders; CREATE UNIQUE INDEX ON public.mv_orders (n)');
    return db;
  }

  it('on which the role may not create a trigger is told with the GRANT, and has one after the next sweep', async () => {
    const db = await partitioned();
    await db.app.query(`REVOKE TRIGGER ON public.orders_1 FROM ${db.roles.worker}`);
    await serveOnce(db, ['mv_orders']);
    const found = await trouble(db, 'partitions');
    expect(found).toEqual([expect.objectContaining({
      level: 'warning', source: 'public.orders_1', remedy: `GRANT TRIGGER ON public.orders_1 TO "${db.roles.worker}";`,
    })]);
    expect(await trouble(db, 'triggers')).toEqual([]);
    await runRemedy(db, 'app', found[0]);
    expect(await trouble(db, 'partitions')).toEqual([]);
    // From here on it is a trigger that could not be created yet.
    const [missing] = await trouble(db, 'triggers');
    expect(missing).toMatchObject({ source: 'public.orders_1', what: expect.stringContaining('has no trigger') as string });
    await runRemedy(db, 'worker', missing);
    expect(await trouble(db, 'triggers')).toEqual([]);
  });

  it('that was attached after the last sweep is told until a worker has met it', async () => {
    const db = await partitioned();
    await serveOnce(db, ['mv_orders']);
    await db.app.query('CREATE TABLE public.orders_2 PARTITION OF public.orders FOR VALUES IN (2)');
    expect(await trouble(db, 'partitions')).toEqual([expect.objectContaining({
      level: 'warning', source: 'public.orders_2', remedy: "listener install --views 'public.mv_orders'",
    })]);
    await serveOnce(db, ['mv_orders']);
    expect(await trouble(db, 'partitions')).toEqual([]);
  });
});

describe('a source that gets its rows by logical replication', () => {
  it('is told with the sweep that finds its changes, as long as it is subscribed', async () => {
    const publisher = await ownDatabase();
    const db = await servedShop();
    expect(await trouble(db, 'subscriptions')).toEqual([]);
    await publisher.admin.query('CREATE TABLE public.orders (id int PRIMARY KEY, n int); CREATE PUBLICATION p FOR TABLE public.orders');
    // One that waits to be enabled: nothing has to run for this.
    await db.admin.query(`CREATE SUBSCRIPTION ${db.name} CONNECTION '${publisher.url('admin')}' PUBLICATION p
      WITH (create_slot = false, slot_name = NONE, enabled = false, copy_data = false)`);
    try {
      expect(await trouble(db, 'subscriptions', { config: { sweepMs: 60_000 } })).toEqual([
        expect.objectContaining({
          level: 'warning', source: 'public.orders', what: 'public.orders gets its rows by logical replication',
          why: expect.stringContaining('every 1m, and public.mv_orders shows them') as string,
        }),
        expect.objectContaining({ level: 'warning', what: `Subscription ${db.name} is disabled`, remedy: `ALTER SUBSCRIPTION ${db.name} ENABLE;` }),
      ]);
    } finally {
      await db.admin.query(`DROP SUBSCRIPTION ${db.name}`);
    }
    expect(await trouble(db, 'subscriptions')).toEqual([]);
  });
});

describe('a foreign table', () => {
  it('that was never analyzed is told with the views that read it, until it has been', async () => {
    const db = await servedShop();
    expect(await trouble(db, 'foreign tables')).toEqual([]);
    // A wrapper without a handler needs no extension, and does as long as nobody reads the table.
    await db.admin.query(`CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER elsewhere FOREIGN DATA WRAPPER dummy;
      CREATE FOREIGN TABLE public."Remote" (id int) SERVER elsewhere; GRANT SELECT ON public."Remote" TO ${db.roles.worker}`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_far AS SELECT id FROM public."Remote" WITH NO DATA');
    const visit = { views: ['mv_far', 'mv_orders'] };
    expect(await trouble(db, 'foreign tables', visit)).toEqual([expect.objectContaining({
      level: 'warning', source: 'public."Remote"', why: expect.stringContaining('the refresh of public.mv_far is planned') as string, remedy: 'ANALYZE public."Remote";',
    })]);
    // As ANALYZE would, with a wrapper that can read it.
    await db.admin.query(`UPDATE pg_catalog.pg_class SET reltuples = 5 WHERE relname = 'Remote'`);
    expect(await trouble(db, 'foreign tables', visit)).toEqual([]);
  });
});

describe('two-phase commit', () => {
  it('is told while writers ring; a transaction that waits for its end is told until it has been ended', async () => {
    const db = await servedShop();
    const maxPrepared = Number(await valueOf(db, "SELECT pg_catalog.current_setting('max_prepared_transactions')"));
    expect(maxPrepared, 'the server of the tests has to allow prepared transactions').toBeGreaterThan(0);
    await db.app.query(`BEGIN; CREATE TABLE public.later (id int); PREPARE TRANSACTION 'it''s ${db.name}'`);
    const ours = (findings: readonly CheckedFinding[]) => findings.filter(({ what }) => !what.includes('in database'));

    const ringing = ours(await trouble(db, 'prepared transactions'));
    expect(ringing).toEqual([expect.objectContaining({ level: 'warning', remedy: expect.stringContaining('--wake poll') as string })]);
    expect(ours(await trouble(db, 'prepared transactions', { config: { wake: 'poll' } }))).toEqual([]);

    const [old] = ours(await trouble(db, 'prepared transactions', { config: { wake: 'poll' }, thresholds: { preparedMs: 0 } }));
    expect(old?.what).toMatch(new RegExp(`^The prepared transaction it's ${db.name} of ${db.roles.app} has waited for its end for `));
    await runRemedy(db, 'app', old);
    expect(ours(await trouble(db, 'prepared transactions', { thresholds: { preparedMs: 0 } }))).toEqual([]);
  });
});

describe('notifications', () => {
  it('are not needed with --wake poll', async () => {
    const found = (await diagnose(await servedShop(), { config: { wake: 'poll' } })).filter(({ check }) => check === 'notifications');
    expect(found).toEqual([expect.objectContaining({ level: 'ok', what: 'Notifications are not needed: the worker polls (--wake poll)' })]);
  });

  it('cannot be listened for where nothing answers', async () => {
    const listenUrl = 'postgres://nobody@127.0.0.1:1/nothing';
    const [found] = await trouble(await servedShop(), 'notifications', { config: { listenUrl } });
    expect(found).toMatchObject({ level: 'failure', what: expect.stringMatching(/^The worker cannot listen for notifications: nothing listens at /) as string });
  });

  describe.skipIf(!PgBouncer.isInstalled())('behind PgBouncer', () => {
    it('in transaction mode do not arrive, until --listen-url leads past it', async () => {
      const db = await servedShop();
      const bouncer = await PgBouncer.start(db.url('worker'));
      try {
        const url = bouncer.url('transaction');
        const [found] = await trouble(db, 'notifications', { url, thresholds: { canaryMs: 1_500 } });
        expect(found).toMatchObject({ level: 'failure', what: expect.stringContaining('a transaction pooler is in the way') as string, remedy: expect.stringContaining('--listen-url') as string });
        expect(await trouble(db, 'notifications', { url, config: { listenUrl: db.url('worker') } })).toEqual([]);
      } finally {
        await bouncer.stop();
      }
    });
  });
});
