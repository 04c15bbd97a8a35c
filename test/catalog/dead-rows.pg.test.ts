import { describe, expect, it, onTestFinished } from 'vitest';
import { readDeadRows, readOwnDeadRows, readVacuumHorizon, type DeadRows } from '../../src/catalog/dead-rows.js';
import { Database } from '../../src/database/database.js';
import type { Role, TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { connect, createOrders, createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';

function opened(db: TestDatabase, role: Role): Database {
  const database = new Database(db.url(role), 1);
  onTestFinished(() => database.close());
  return database;
}

async function deadRows(db: TestDatabase, role: Role = 'worker'): Promise<DeadRows> {
  const oid = await valueOf<number>(db.admin, "SELECT 'public.mv_orders'::regclass::oid");
  const [found] = await opened(db, role).transaction('look', (tx) => readDeadRows(tx, [oid]));
  if (found === undefined) throw new Error('The view was not found.');
  return found;
}

describe('when autovacuum would come for a view', () => {
  it('is told by the settings of the server, and by those of the view', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders');
    // A view that was never vacuumed, analyzed or indexed counts as empty.
    expect(await deadRows(db)).toMatchObject({ name: 'public.mv_orders', vacuumFrom: 50, analyzeFrom: 50, vacuumedMsAgo: null, autovacuum: true });
    await db.worker.query('VACUUM ANALYZE public.mv_orders');
    expect(await deadRows(db)).toMatchObject({ vacuumFrom: 52, analyzeFrom: 51, deadRows: 0, changedRows: 0, vacuumedMsAgo: expect.any(Number) as number });
    await db.worker.query(`ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_vacuum_threshold = 7, autovacuum_vacuum_scale_factor = 0.5,
      autovacuum_analyze_threshold = 3, autovacuum_analyze_scale_factor = 0, autovacuum_enabled = false)`);
    expect(await deadRows(db)).toMatchObject({ vacuumFrom: 12, analyzeFrom: 3, autovacuum: false });
  });

  it('has a most, where the server knows one', async (context) => {
    const db = await freshDatabase();
    if ((await valueOf<number>(db.admin, "SELECT current_setting('server_version_num')::int")) < 180_000) context.skip('autovacuum_vacuum_max_threshold came with PostgreSQL 18');
    await createOrders(db);
    await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_vacuum_max_threshold = 20)');
    expect(await deadRows(db)).toMatchObject({ vacuumFrom: 20 });
  });
});

describe('who may vacuum a view', () => {
  it('is its owner, the owner of the database, and since PostgreSQL 17 who has MAINTAIN', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    expect((await deadRows(db)).may).toBe(true);
    expect((await deadRows(db, 'app')).may).toBe(false);
    if ((await valueOf<number>(db.admin, "SELECT current_setting('server_version_num')::int")) >= 170_000) {
      await db.worker.query(`GRANT MAINTAIN ON public.mv_orders TO ${db.roles.app}`);
      expect((await deadRows(db, 'app')).may).toBe(true);
      await db.worker.query(`REVOKE MAINTAIN ON public.mv_orders FROM ${db.roles.app}`);
    }
    await db.admin.query(`ALTER DATABASE ${db.name} OWNER TO ${db.roles.app}`);
    expect((await deadRows(db, 'app')).may).toBe(true);
    await db.admin.query(`ALTER DATABASE ${db.name} OWNER TO ${db.roles.admin}`);
  });
});

it('the worker knows its own tables, and no others', async () => {
  const db = await freshDatabase();
  await createOrders(db);
  await (await startWorker(db.url('worker'), ['mv_orders'])).stop();
  const ours = await opened(db, 'worker').transaction('look', readOwnDeadRows);
  expect(ours.map(({ name }) => name)).toEqual(expect.arrayContaining(['refresh_listener.change_log', 'refresh_listener.run', 'refresh_listener.view']));
  expect(ours.filter(({ name, may }) => !may || !name.startsWith('refresh_listener.'))).toEqual([]);
});

describe('what VACUUM waits for', () => {
  it.each([
    ['a transaction that has written', 'BEGIN; SELECT pg_catalog.pg_current_xact_id()', 'ROLLBACK'],
    ['one that still sees the past', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1', 'ROLLBACK'],
    ['a prepared one', "BEGIN; CREATE TABLE public.later (id int); PREPARE TRANSACTION '$'", "ROLLBACK PREPARED '$'"],
  ])('is %s, as long as it is there', async (_what, begin, end) => {
    const db = await freshDatabase();
    const database = opened(db, 'worker');
    const horizon = () => database.transaction('look', readVacuumHorizon);
    const client = await connect(db.app);
    await client.query(begin.replace('$', db.name));
    const { next: before } = await horizon();
    await db.app.query('SELECT pg_catalog.pg_current_xact_id()');
    expect((await horizon()).horizon).toBeLessThanOrEqual(before);
    await client.query(end.replace('$', db.name));
    await db.app.query('SELECT pg_catalog.pg_current_xact_id()');
    await expect.poll(async () => (await horizon()).horizon > before, { timeout: 20_000 }).toBe(true);
  });
});
