import pRetry from 'p-retry';
import type pg from 'pg';
import { UsageError } from '../config/usage-error.js';
import { loadQuery } from './sql.js';
import { sqlstateOf } from './sqlstate.js';

const schemaStateQuery = loadQuery('schema-state');
const emptiedSchemaQuery = loadQuery('emptied-schema');

const lockNotAvailable = '55P03';

/** Our tables are there and what a restore makes last is not: whatever we wrote now would stand in its way. */
export class RestoreUnderWay extends UsageError {
  constructor() {
    super(
      'The schema refresh_listener is not complete yet: a restore seems to be under way. Wait until it has ended; ' +
        'if it ended before its time: DROP SCHEMA refresh_listener CASCADE;',
    );
  }
}

/**
 * Drops our tables, registers and functions where a dump brought them without their rows (`--schema-only`): which migrations made
 * them nobody knows any more, and there is nothing in them to keep. The trigger function stays, and with it the triggers:
 * to drop it would lock every table of the application at once.
 *
 * A writer's trigger may be appending: each attempt waits 200 ms for it, then lets others pass.
 *
 * @throws RestoreUnderWay
 */
export async function dropEmptiedSchema(client: pg.Client, signal: AbortSignal): Promise<void> {
  const { rows: [state] } = await client.query<{ exists: boolean; complete: boolean }>(schemaStateQuery);
  if (state?.exists !== true) return;
  const { rows: migrations } = await client.query('SELECT FROM refresh_listener.migration LIMIT 1');
  if (migrations.length > 0) return;
  if (!state.complete) throw new RestoreUnderWay();
  const { rows } = await client.query<{ statement: string }>(emptiedSchemaQuery);
  const statements = rows.map((row) => row.statement);
  await pRetry(() => client.query(["SET LOCAL lock_timeout = '200ms'", ...statements].join('; ')), {
    retries: 30, minTimeout: 100, maxTimeout: 1_000, randomize: true, signal,
    shouldRetry: ({ error }) => sqlstateOf(error) === lockNotAvailable,
  });
}
