import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { connectionSettings } from './connection.js';
import { Database } from './database.js';
import { dropEmptiedSchema } from './restored-schema.js';
import { socketOf } from './sockets.js';
import { sqlFolder } from './sql.js';
import { sqlstateOf } from './sqlstate.js';

const migrationsFolder = fileURLToPath(new URL('migrations', sqlFolder));
/** Any 64-bit number of our own: other tools of the same library must not wait for us. */
export const migrationLock = 7_311_905_524_610_021;

/** The migrations in their order, as text: for whoever runs them by other means. */
export function readMigrations(): { readonly name: string; readonly sql: string }[] {
  return readdirSync(migrationsFolder).toSorted().map((file) => ({
    name: file.replace(/\.sql$/, ''), sql: readFileSync(join(migrationsFolder, file), 'utf8'),
  }));
}

/** Which migrations are there to run? None, for a database that is up to date, without any lock or privilege. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  const files = readdirSync(migrationsFolder).map((file) => file.replace(/\.sql$/, ''));
  // Read only: a standby is asked, too.
  return database.transaction(
    'look',
    async (tx) => {
      const [table] = await tx.rows<{ exists: boolean }>("SELECT pg_catalog.to_regclass('refresh_listener.migration') IS NOT NULL AS exists");
      if (table?.exists !== true) return files;
      const run = await tx.rows<{ name: string }>('SELECT m.name FROM refresh_listener.migration AS m');
      return files.filter((file) => !run.some((migration) => migration.name === file));
    },
    { ...Database.shortLimits, readOnly: true },
  );
}

/**
 * Brings the schema `refresh_listener` up to date. Any number of workers may call it at once: they wait for each other
 * under a session's advisory lock, hence the direct (unpooled) URL.
 *
 * @param signal ends it, also while it waits
 * @returns names of the migrations that were run
 */
export async function migrate(directUrl: string | undefined, signal: AbortSignal): Promise<string[]> {
  const client = new pg.Client(connectionSettings(directUrl, 'listener (migrate)'));
  client.on('error', () => undefined); // the statement under way rejects with it
  // Not by a polite end: a server that has fallen silent would never answer it.
  const end = (): void => socketOf(client).destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    await client.connect();
    signal.throwIfAborted();
    // Twenty starters wait for one: a role's own time limits must not end that wait. Nor must its defaults forbid to write.
    await client.query(
      "SET statement_timeout = '5min'; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = '1min'; " +
        "SET default_transaction_read_only = off; SET search_path = ''; SET row_security = off",
    );
    await noticeClosedConnections(client);
    // The runner takes it once more; both are gone with the session.
    await client.query('SELECT pg_catalog.pg_advisory_lock($1)', [migrationLock]);
    await dropEmptiedSchema(client, signal);
    const { rows: [schema] } = await client.query<{ exists: boolean }>(
      "SELECT pg_catalog.to_regnamespace('refresh_listener') IS NOT NULL AS exists",
    );
    const run = await runner({
      dbClient: client,
      dir: migrationsFolder,
      direction: 'up',
      migrationsTable: 'migration',
      migrationsSchema: 'refresh_listener',
      // IF NOT EXISTS asks for the privilege to create it even where it exists.
      createMigrationsSchema: schema?.exists !== true,
      advisoryLockMode: 'wait',
      lockValue: migrationLock,
      // Each error is thrown as well; the runner's own lines would be noise beside the worker's log.
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    return run.map((migration) => migration.name);
  } finally {
    await client.end();
    signal.removeEventListener('abort', end);
  }
}

/** One that was stopped while it waited must not go on waiting on the server. Not every platform can tell: then it does. */
async function noticeClosedConnections(client: pg.Client): Promise<void> {
  try {
    await client.query("SET client_connection_check_interval = '1s'");
  } catch (error) {
    if (sqlstateOf(error) !== invalidParameterValue) throw error;
  }
}

const invalidParameterValue = '22023';
