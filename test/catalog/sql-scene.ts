import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { createOrders, createView, freshDatabase, valueOf } from '../worker/scene.js';
import { startServing } from './worker-scene.js';

/** `orders`, `mv_orders` over it (concurrent), and `mv_sum` over that (plain). */
export async function ordersAndSum(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  await createView(db, 'mv_sum', 'SELECT count(*)::int AS n, sum(n)::int AS total FROM public.mv_orders');
  return db;
}

/** The same, registered, absorbed, and nobody at work. */
export async function leftAlone(): Promise<TestDatabase> {
  const db = await ordersAndSum();
  await (await startServing(db, ['mv_orders', 'mv_sum'])).stop();
  return db;
}

/** A session of its own, to be left in the middle of a transaction. Ended with the test. */
export async function sessionOf(url: string, ...statements: readonly string[]): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => undefined); // ended by the database's drop, when a test failed
  await client.connect();
  onTestFinished(() => client.end());
  for (const statement of statements) await client.query(statement);
  return client;
}

/** A role that may call our functions, and nothing else. @returns its URL */
export async function createCaller(db: TestDatabase): Promise<string> {
  const role = `${db.name}_caller`;
  await db.admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'caller'`);
  await db.admin.query(`REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO ${role}`);
  await db.worker.query(`GRANT USAGE ON SCHEMA refresh_listener TO ${role}`);
  await db.worker.query(`GRANT EXECUTE ON FUNCTION refresh_listener.refresh, refresh_listener.is_fresh, refresh_listener.mark_changed TO ${role}`);
  onTestFinished(async () => {
    await db.admin.query(`DROP OWNED BY ${role}`);
    await db.admin.query(`DROP ROLE ${role}`);
  });
  return Object.assign(new URL(db.url('app')), { username: role, password: 'caller' }).href;
}

export function refreshSql(view: string, options = ''): string {
  return `SELECT refresh_listener.refresh('public.${view}'${options}) AS plan`;
}

export async function callRefresh(client: pg.Pool | pg.ClientBase, view: string, options = ''): Promise<string> {
  return valueOf<string>(client, refreshSql(view, options));
}

export async function isFresh(client: pg.Pool | pg.ClientBase, view: string): Promise<boolean> {
  return valueOf<boolean>(client, `SELECT refresh_listener.is_fresh('public.${view}')`);
}

/** How many rows `mv_orders` shows. */
export async function rowsShown(db: TestDatabase): Promise<number> {
  return valueOf<number>(db.worker, 'SELECT count(*)::int FROM public.mv_orders');
}

/** What has been recorded of a view, the latest last. */
export async function runsOf(db: TestDatabase, view: string): Promise<{ reason: string; plan: string; inserted: number; sources: string[] }[]> {
  const { rows } = await db.worker.query<{ reason: string; plan: string; inserted: number; sources: string[] }>(
    `SELECT r.reason, r.plan, r.inserted::int, r.sources FROM refresh_listener.run AS r
     JOIN refresh_listener.view AS v ON v.id = r.view WHERE v.name = $1 ORDER BY r.id`, [`public.${view}`],
  );
  return rows;
}
