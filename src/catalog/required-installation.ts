import { UsageError } from '../config/usage-error.js';
import type { ViewPattern } from '../config/view-pattern.js';
import type { Database } from '../database/database.js';
import { pendingMigrations } from '../database/migrate.js';
import { loadQuery } from '../database/sql.js';
import { ensureLog } from './log-identity.js';
import type { ServerFacts } from './server.js';
import { needsTrigger, type Survey } from './survey.js';
import { findTriggerFaults } from './trigger.js';
import { missingGrants, missingSummaryGrants } from './worker-grants.js';

const missingRegistersQuery = loadQuery('missing-registers');

/**
 * Refuses a database in which something is missing that a worker with --no-install would have to create.
 *
 * A partition without a trigger is no reason: it may be of this month. It is told of, and its fingerprint is compared.
 *
 * @throws UsageError naming what is missing, and the command that writes its SQL
 */
export async function requireInstallation(
  database: Database,
  { found, facts, patterns }: { readonly found: Survey; readonly facts: ServerFacts; readonly patterns: readonly ViewPattern[] },
): Promise<void> {
  const names = patterns.map((pattern) => (/[^\w.,]/.test(pattern.text) ? `'${pattern.text}'` : pattern.text)).join(',');
  const remedy = `Have its SQL run, which is written by: listener install --views ${names} --print --role ${facts.role}`;
  if (!facts.schemaExists) {
    throw new UsageError(`Database ${facts.database} has no schema refresh_listener, and --no-install creates none. ${remedy}`);
  }
  const grants = await missingGrants(database, facts.role);
  requireGrants(grants, facts);
  const [migration] = await pendingMigrations(database);
  if (migration !== undefined) {
    throw new UsageError(`The schema refresh_listener lacks migration ${migration}, and --no-install runs none. ${remedy}`);
  }
  requireGrants(await missingSummaryGrants(database, facts.role), facts);
  await ensureLog(database, false);
  const tables = new Map(found.views.flatMap((view) => view.sources.map((source) => [source.oid, { ...source, view: view.name }])));
  const bare = await database.rows<{ oid: number }>(missingRegistersQuery, [
    [...tables.values()].filter((source) => !source.isChild).map((source) => source.oid),
  ]);
  const [unregistered] = bare.flatMap(({ oid }) => tables.get(oid) ?? []);
  if (unregistered !== undefined) {
    throw new UsageError(`${unregistered.name}, which ${unregistered.view} reads, is not installed, and --no-install forbids it. ${remedy}`);
  }
  // Whoever created the trigger may not have been the owner: enabled is enough.
  const targets = [...tables.values()].filter((source) => needsTrigger(source) && !source.isChild);
  const [faulty] = await findTriggerFaults(database, targets.map((source) => ({ ...source, id: 0, owned: false })));
  if (faulty !== undefined) {
    throw new UsageError(
      `The trigger of ${faulty.target.name}, which ${tables.get(faulty.target.oid)?.view ?? 'a view'} reads, is ${faulty.fault}, ` +
        `and --no-install creates none. ${remedy}`,
    );
  }
}

function requireGrants(grants: readonly string[], { role, schemaOwner }: ServerFacts): void {
  if (grants.length === 0) return;
  throw new UsageError(`Role ${role} lacks privileges in the schema refresh_listener. Run as ${String(schemaOwner)}: ${grants.join(' ')}`);
}
