import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { connectionSettings } from './connection.js';
import { sqlFolder } from './sql.js';

/** Any 64-bit number of our own: other tools of the same library must not wait for us. */
const migrationLock = 7_311_905_524_610_021;

/**
 * Brings the schema `refresh_listener` up to date. Any number of workers may call it at once: they wait for each other
 * under a session's advisory lock, hence the direct (unpooled) URL.
 *
 * @returns names of the migrations that were run
 */
export async function migrate(directUrl: string | undefined): Promise<string[]> {
  const client = new pg.Client(connectionSettings(directUrl, 'listener (migrate)'));
  client.on('error', () => undefined); // the statement under way rejects with it
  await client.connect();
  try {
    // Twenty starters wait for one: a role's own time limits must not end that wait.
    await client.query("SET statement_timeout = '5min'; SET lock_timeout = 0; SET search_path = ''; SET row_security = off");
    const run = await runner({
      dbClient: client,
      dir: fileURLToPath(new URL('migrations', sqlFolder)),
      direction: 'up',
      migrationsTable: 'migration',
      migrationsSchema: 'refresh_listener',
      createMigrationsSchema: true,
      advisoryLockMode: 'wait',
      lockValue: migrationLock,
      // Each error is thrown as well; the runner's own lines would be noise beside the worker's log.
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    return run.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}
