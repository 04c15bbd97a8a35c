import { UsageError } from '../config/usage-error.js';
import { Database } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { faultLine, type Fault } from './fault.js';

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
  /** Null when there is no schema yet. */
  readonly schemaOwner: string | null;
  /** Whether the role is its owner, or a member of the owner. */
  readonly schemaOwned: boolean;
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
 * Why a worker could not keep its promises on this server, or could not be there at all. Pure.
 *
 * @param install whether it creates what is missing; else the schema may be anybody's
 */
export function serverFault(facts: ServerFacts, install = true): Fault | undefined {
  if (facts.versionNumber < oldestVersionNumber) {
    return { what: `PostgreSQL ${facts.version} is too old: 15 or newer is needed.`, remedy: 'Upgrade the server.' };
  }
  if (facts.inRecovery) {
    return {
      what: `The server of database ${facts.database} is a standby (pg_is_in_recovery), where nothing can be refreshed.`,
      remedy: 'Give --database-url the primary.',
    };
  }
  if (!install) return undefined;
  if (!facts.schemaExists && !facts.mayCreateSchema) {
    return {
      what: `Role ${facts.role} may not create the schema refresh_listener.`,
      by: 'an administrator',
      remedy: `GRANT CREATE ON DATABASE ${quoteIdentifier(facts.database)} TO ${quoteIdentifier(facts.role)};`,
    };
  }
  // Whoever owns the schema owns the trigger function, which runs in every writer's statements: it must be us.
  if (facts.schemaExists && !facts.schemaOwned) {
    return {
      what: `The schema refresh_listener belongs to role ${String(facts.schemaOwner)}, of which ${facts.role} is no member.`,
      remedy: 'Run the listener as that role, as a member of it, or with --no-install.',
    };
  }
  return undefined;
}

/**
 * Refuses a server on which the worker could not keep its promises.
 *
 * @param install whether this process creates what is missing; else the schema may be anybody's
 * @throws UsageError with the remedy: too old, a standby, or no right to create the schema
 */
export function requireServer(facts: ServerFacts, install = true): void {
  const fault = serverFault(facts, install);
  if (fault !== undefined) throw new UsageError(faultLine(fault));
}

/** The server looks this often whether a refresh's worker is still there. */
const connectionCheckMs = 1_000;
const transactionTimeoutVersionNumber = 170_000;

/**
 * Settings that every transaction should have and not every server knows: a refresh must not survive its worker (a
 * platform may be unable to notice a closed connection), and no default of a role or provider may end it.
 */
export async function probeServerSettings(database: Database, facts: ServerFacts): Promise<string[]> {
  const settings = facts.versionNumber >= transactionTimeoutVersionNumber ? ['transaction_timeout = 0'] : [];
  const check = `client_connection_check_interval = ${connectionCheckMs}`;
  try {
    await database.rows(`SET LOCAL ${check}`);
    return [...settings, check];
  } catch (error) {
    if (sqlstateOf(error) === '22023') return settings;
    throw error;
  }
}
