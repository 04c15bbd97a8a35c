import { UsageError } from '../config/usage-error.js';
import { packageVersion } from '../config/package-version.js';
import type { Database } from '../database/database.js';
import { loadQuery, loadScript } from '../database/sql.js';
import { readServerFacts, requireServer } from './server.js';
import { dropSchema, removeTrigger, triggeredRelations, type DdlPatience, type TriggeredRelation } from './trigger.js';

const servedViewsQuery = loadQuery('served-views');

/** What of ours a database has. */
export interface Remains {
  readonly database: string;
  readonly triggered: readonly TriggeredRelation[];
  /** Views whose lease has not run out: a worker serves them, or did so until a moment ago. */
  readonly served: readonly string[];
}

/**
 * What there is to uninstall; undefined for the schema when there is none.
 *
 * @throws UsageError when the role may not remove it
 */
export async function readRemains(database: Database): Promise<{ readonly database: string; readonly remains: Remains | undefined }> {
  const facts = await readServerFacts(database);
  requireServer(facts, false);
  if (!facts.schemaExists) return { database: facts.database, remains: undefined };
  if (!facts.schemaOwned) {
    throw new UsageError(
      `The schema refresh_listener belongs to role ${String(facts.schemaOwner)}, of which ${facts.role} is no member: uninstall as that role, or as a superuser.`,
    );
  }
  const [table] = await database.rows<{ exists: boolean }>("SELECT pg_catalog.to_regclass('refresh_listener.view') IS NOT NULL AS exists");
  const served = table?.exists === true ? await database.rows<{ name: string }>(servedViewsQuery) : [];
  return {
    database: facts.database,
    remains: { database: facts.database, triggered: await triggeredRelations(database), served: served.map((view) => view.name) },
  };
}

/**
 * Removes everything: the triggers one table a transaction, each waiting for writers 200 ms at a time, then the schema.
 * Triggers that this role may not replace go with their function at the end; so do those that a worker has put back meanwhile.
 *
 * @throws the lock timeout when somebody kept a table for all of the attempts; what is left can be uninstalled again
 */
export async function uninstall(database: Database, remains: Remains, patience: (what: string) => DdlPatience): Promise<void> {
  for (const relation of remains.triggered) {
    if (relation.mayTrigger) await removeTrigger(database, relation, patience(relation.name));
  }
  await dropSchema(database, patience('the schema refresh_listener'));
}

/** The same in one statement, for a migration. */
export function uninstallScript(): string {
  return [
    `-- Removes whatever pg-refresh-listener ${packageVersion} has put into a database. Printed by: listener uninstall --print`,
    '-- Run it as the owner of the schema refresh_listener, in one transaction or without one. Stop the workers first.',
    '--',
    loadScript('uninstall').trimEnd(),
    '',
  ].join('\n');
}
