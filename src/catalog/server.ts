import { UsageError } from '../config/usage-error.js';
import { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const serverFactsQuery = loadQuery('server-facts');

export interface ServerFacts {
  /** As in `server_version_num`: 150004 is 15.4. */
  readonly versionNumber: number;
  readonly version: string;
  readonly inRecovery: boolean;
  readonly database: string;
  readonly role: string;
  readonly mayCreateSchema: boolean;
  readonly schemaExists: boolean;
  readonly schemaUsable: boolean;
}

const oldestVersionNumber = 150_000;
/** MAINTAIN lets a role refresh a view that it does not own. */
export const maintainVersionNumber = 170_000;

export async function readServerFacts(database: Database): Promise<ServerFacts> {
  const limits = { ...Database.shortLimits, readOnly: true };
  const [facts] = await database.transaction('look', (tx) => tx.rows<ServerFacts>(serverFactsQuery), limits);
  if (facts === undefined) throw new Error('The server answered the question what it is with no row.');
  return facts;
}

/**
 * Refuses a server on which the worker could not keep its promises.
 *
 * @throws UsageError with the remedy: too old, a standby, or no right to create the schema
 */
export function requireServer(facts: ServerFacts): void {
  if (facts.versionNumber < oldestVersionNumber) {
    throw new UsageError(`PostgreSQL ${facts.version} is too old: 15 or newer is needed. Upgrade the server.`);
  }
  if (facts.inRecovery) {
    throw new UsageError(
      `The server of database ${facts.database} is a standby (pg_is_in_recovery), where nothing can be refreshed. ` +
        'Give --database-url the primary.',
    );
  }
  if (!facts.schemaExists && !facts.mayCreateSchema) {
    throw new UsageError(
      `Role ${facts.role} may not create the schema refresh_listener. ` +
        `Run as an administrator: GRANT CREATE ON DATABASE "${facts.database}" TO "${facts.role}";`,
    );
  }
  if (facts.schemaExists && !facts.schemaUsable) {
    throw new UsageError(
      `Role ${facts.role} may not use the schema refresh_listener: another role created it. ` +
        'Run the listener as that role, or as a member of it.',
    );
  }
}

/** Whether the platform can notice a closed connection under a running statement; 0 when it cannot. */
export async function probeConnectionCheck(database: Database, intervalMs: number): Promise<number> {
  try {
    await database.rows(`SELECT pg_catalog.set_config('client_connection_check_interval', $1, true)`, [String(intervalMs)]);
    return intervalMs;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '22023') return 0;
    throw error;
  }
}
