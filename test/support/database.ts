import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export type Role = 'admin' | 'app' | 'worker';

export interface TestDatabase {
  readonly name: string;
  /** The names of the roles, for GRANT and OWNER TO. */
  readonly roles: Readonly<Record<Role, string>>;
  /** The superuser. */
  readonly admin: pg.Pool;
  /** The application: owns the source tables, whose rows `worker` may read. */
  readonly app: pg.Pool;
  /** An ordinary role that owns the views. Its `search_path` is empty, so that a name without its schema fails. */
  readonly worker: pg.Pool;
  /** What connections of the pools died of, while no query was running: for tests that cut connections or restart the server. */
  readonly lostConnections: readonly Error[];
  url(role: Role): string;
  /**
   * Ends all sessions, rolls back prepared transactions, drops the database and the roles.
   * @throws when a test has kept a client of a pool.
   */
  drop(): Promise<void>;
}

/** A database and roles of one's own on the server of this run, or on another one. */
export async function createDatabase(adminUrl: string = inject('adminUrl')): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const roles = { admin: await currentUser(adminUrl), app: `${name}_app`, worker: `${name}_worker` };
  await onServer(adminUrl, [
    `CREATE ROLE ${roles.app} LOGIN PASSWORD '${password}'`,
    `CREATE ROLE ${roles.worker} LOGIN PASSWORD '${password}'`,
    `CREATE DATABASE ${name}`,
    `GRANT CREATE ON DATABASE ${name} TO ${roles.app}, ${roles.worker}`,
    `ALTER ROLE ${roles.worker} IN DATABASE ${name} SET search_path = ''`,
  ]);
  const url = (role: Role) => databaseUrl(adminUrl, name, role === 'admin' ? undefined : { user: roles[role], password });
  await onServer(url('admin'), [
    `GRANT USAGE, CREATE ON SCHEMA public TO ${roles.app}, ${roles.worker}`,
    // What a worker needs of the tables: to read them and to put its triggers on them.
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${roles.app} GRANT SELECT, TRIGGER ON TABLES TO ${roles.worker}`,
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${roles.app} GRANT USAGE ON SCHEMAS TO ${roles.worker}`,
  ]);

  const lostConnections: Error[] = [];
  const pool = (role: Role) => openPool(url(role), lostConnections);
  const pools = { admin: pool('admin'), app: pool('app'), worker: pool('worker') };
  let dropped: Promise<void> | undefined;
  return {
    name,
    roles,
    ...pools,
    lostConnections,
    url,
    drop: () => (dropped ??= drop(adminUrl, name, roles, url('admin'), Object.values(pools))),
  };
}

function openPool(connectionString: string, lostConnections: Error[]): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 20 });
  // On the client, since the pool reports only the idle ones, and a lost one that a test holds would end the process.
  pool.on('connect', (client) => client.on('error', (error) => lostConnections.push(error)));
  pool.on('error', () => undefined); // recorded by the client's own listener
  return pool;
}

async function drop(adminUrl: string, name: string, roles: Record<Role, string>, url: string, pools: readonly pg.Pool[]): Promise<void> {
  const kept = pools.reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0);
  // Prepared transactions end only in their own database, and DROP DATABASE refuses while there are any, FORCE or not.
  await onServer(url, [`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`]);
  await onServer(url, await rollbacks(url));
  await onServer(adminUrl, [
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${name}'`,
    `DROP DATABASE ${name} WITH (FORCE)`,
    `DROP ROLE ${roles.app}, ${roles.worker}`,
  ]);
  const ended = Promise.all(pools.map((pool) => pool.end()));
  if (kept > 0) throw new Error(`${kept} clients of the pools of ${name} were still in use: release them before drop()`);
  await ended;
}

async function currentUser(url: string): Promise<string> {
  const [answer] = await onServer(url, ['SELECT current_user AS name']);
  return (answer?.rows as [{ name: string }])[0].name;
}

async function rollbacks(url: string): Promise<string[]> {
  const [left] = await onServer(url, ['SELECT gid FROM pg_prepared_xacts WHERE database = current_database()']);
  return (left?.rows as { gid: string }[]).map(({ gid }) => `ROLLBACK PREPARED ${pg.escapeLiteral(gid)}`);
}

async function onServer(url: string, statements: readonly string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

function databaseUrl(adminUrl: string, database: string, login?: { user: string; password: string }): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  if (login) Object.assign(url, { username: login.user, password: login.password });
  return url.href;
}
