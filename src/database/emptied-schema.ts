import pRetry from 'p-retry';
import type pg from 'pg';
import { loadQuery } from './sql.js';
import { sqlstateOf } from './sqlstate.js';

const emptiedSchemaQuery = loadQuery('emptied-schema');

const lockNotAvailable = '55P03';

/**
 * Drops our tables and registers where a dump brought them without their rows (`--schema-only`): which migrations made
 * them nobody knows any more, and there is nothing in them to keep. The trigger function stays, and with it the triggers:
 * to drop it would lock every table of the application at once.
 *
 * A writer's trigger may be appending: each attempt waits 200 ms for it, then lets others pass.
 */
export async function dropEmptiedSchema(client: pg.Client, signal: AbortSignal): Promise<void> {
  if (!(await isEmptied(client))) return;
  const { rows } = await client.query<{ statement: string }>(emptiedSchemaQuery);
  const statements = rows.map((row) => row.statement);
  await pRetry(() => client.query(["SET LOCAL lock_timeout = '200ms'", ...statements].join('; ')), {
    retries: 30, minTimeout: 100, maxTimeout: 1_000, randomize: true, signal,
    shouldRetry: ({ error }) => sqlstateOf(error) === lockNotAvailable,
  });
}

/** Is the list of migrations empty, and what they made there? */
async function isEmptied(client: pg.Client): Promise<boolean> {
  const { rows: [tables] } = await client.query<{ exist: boolean }>(
    `SELECT pg_catalog.to_regclass('refresh_listener.migration') IS NOT NULL
            AND pg_catalog.to_regclass('refresh_listener.cluster') IS NOT NULL AS exist`,
  );
  if (tables?.exist !== true) return false;
  const { rows: migrations } = await client.query('SELECT FROM refresh_listener.migration LIMIT 1');
  return migrations.length === 0;
}
