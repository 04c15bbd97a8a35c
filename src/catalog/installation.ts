import { UsageError } from '../config/usage-error.js';
import { Database, type Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { pendingMigrations } from '../database/migrate.js';
import { sqlstateOf } from '../database/sqlstate.js';
import type { ServerFacts } from './server.js';

const insufficientPrivilege = '42501';

/**
 * Runs `work` in a transaction that only reads what is installed, on a primary or a standby alike.
 *
 * @throws UsageError with the remedy: nothing is installed, an older version is, or the role may not read it
 */
export async function readInstallation<T>(
  database: Database, facts: ServerFacts, work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  if (!facts.schemaExists) {
    throw new UsageError(`nothing is installed in database ${facts.database}: run a worker (listener --views mv_dashboard), or listener install --views mv_dashboard`);
  }
  try {
    const [pending] = await pendingMigrations(database);
    if (pending !== undefined) {
      throw new UsageError(
        `what is installed in database ${facts.database} is older than this program (it lacks ${pending}): start a worker of this version, or run listener install`,
      );
    }
    return await database.transaction('look', work, { ...Database.shortLimits, readOnly: true });
  } catch (error) {
    if (sqlstateOf(error) !== insufficientPrivilege) throw error;
    const role = quoteIdentifier(facts.role);
    throw new UsageError(
      `role ${facts.role} may not read the schema refresh_listener. Run as ${facts.schemaOwner ?? 'its owner'}: ` +
        `GRANT USAGE ON SCHEMA refresh_listener TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA refresh_listener TO ${role}; ` +
        `GRANT SELECT ON ALL SEQUENCES IN SCHEMA refresh_listener TO ${role};`,
      { cause: error },
    );
  }
}
