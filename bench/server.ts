import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startEmbeddedServer } from '../dev/embedded-server.js';

/** `app` owns the tables, `listener` the views; neither is a superuser. */
export type Role = 'admin' | 'app' | 'listener';

export interface BenchDatabase {
  /** Connection string of a role. */
  url(role: Role): string;
  /** A connection of one's own; closed when the database is dropped. */
  connect(role: Role): Promise<pg.Client>;
  /** Several statements, on a connection that is closed again. */
  execute(role: Role, sql: string): Promise<void>;
  drop(): Promise<void>;
}

export interface BenchServer {
  /** As PostgreSQL says it: `15.18`. */
  readonly version: string;
  createDatabase(name: string): Promise<BenchDatabase>;
  /** Leaves neither process nor folder. */
  stop(): Promise<void>;
}

/** As in production, and unlike the servers of the tests: what a commit costs is the point. */
const settings = {
  fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', wal_level: 'replica', shared_buffers: '256MB',
  // No checkpoint of its own amid a round.
  max_wal_size: '8GB', checkpoint_timeout: '1h',
};

/** A server of its own, with the two roles. */
export async function startBenchServer(): Promise<BenchServer> {
  const server = await startEmbeddedServer({ settings });
  try {
    const password = randomBytes(12).toString('hex');
    await onServer(server.url, `CREATE ROLE app LOGIN PASSWORD '${password}'; CREATE ROLE listener LOGIN PASSWORD '${password}'`);
    return {
      version: server.version,
      createDatabase: (name) => createDatabase(server.url, name, password),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function createDatabase(adminUrl: string, name: string, password: string): Promise<BenchDatabase> {
  await onServer(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await onServer(adminUrl, `CREATE DATABASE ${name}`);
  await onServer(adminUrl, `GRANT CREATE ON DATABASE ${name} TO listener`);
  const url = (role: Role): string =>
    Object.assign(new URL(adminUrl), { pathname: `/${name}`, ...(role === 'admin' ? {} : { username: role, password }) }).href;
  await onServer(url('admin'), `
    GRANT USAGE, CREATE ON SCHEMA public TO app, listener;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT, TRIGGER ON TABLES TO listener`);
  const clients: pg.Client[] = [];
  return {
    url,
    async connect(role) {
      const client = new pg.Client(url(role));
      await client.connect();
      clients.push(client);
      return client;
    },
    execute: (role, sql) => onServer(url(role), sql),
    async drop() {
      await Promise.all(clients.splice(0).map((client) => client.end()));
      await onServer(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
