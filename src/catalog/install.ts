import type { ViewPattern } from '../config/view-pattern.js';
import type { Database } from '../database/database.js';
import { overDirect } from '../database/connection-error.js';
import { migrate, pendingMigrations } from '../database/migrate.js';
import type { ServedGraph } from './graph.js';
import { silenceUnsetHolds } from './hold-register.js';
import { renewLease } from './lease.js';
import { ensureLog } from './log-identity.js';
import { readRegistry, register } from './registry.js';
import { probeServerSettings, readServerFacts, requireServer } from './server.js';
import { needsTrigger, requireFound, requirePrivileges, survey, type Survey } from './survey.js';
import { findTriggerFaults, mendTrigger, type TriggerFault } from './trigger.js';

export interface InstallOptions {
  readonly patterns: readonly ViewPattern[];
  /** A direct connection for the migrations. */
  readonly directUrl: string | undefined;
  /** How long writers record their changes if no worker ever comes. */
  readonly lapseMs: number;
  readonly signal: AbortSignal;
  /** A trigger waits for running writers of the table; told once a table. */
  readonly onWait: (source: string) => void;
}

export interface InstalledTrigger {
  readonly source: string;
  /**
   * `present`: it was in order. `created` and `mended`: by this call. `kept-out`: running writers, or an error, did not
   * let it in; a worker, or another call, tries again. `none`: its changes cannot be seen (`because`).
   */
  readonly state: 'present' | 'created' | 'mended' | 'kept-out' | 'none';
  readonly because: string | null;
}

/** What an installation has found and done. */
export interface Installed {
  readonly database: string;
  readonly migrations: readonly string[];
  readonly views: readonly { readonly view: string; readonly sources: readonly string[]; readonly state: 'present' | 'registered' }[];
  readonly triggers: readonly InstalledTrigger[];
}

/**
 * Does to a database what the start of a worker does to it, and refreshes nothing. What is there already stays.
 *
 * Nobody may ever come to serve the views: so writers stop recording when the lapse is over, and do not ring before a
 * worker listens.
 *
 * @throws UsageError with the remedy, before anything was changed
 */
export async function install(database: Database, options: InstallOptions): Promise<Installed> {
  const facts = await readServerFacts(database);
  requireServer(facts);
  const found = await survey(database, options.patterns, []);
  requireFound(found);
  requirePrivileges(found, facts);
  const migrations = (await pendingMigrations(database)).length > 0 ? await overDirect(migrate(options.directUrl, options.signal)) : [];
  database.useServerSettings(await probeServerSettings(database, facts));
  options.signal.throwIfAborted();

  await ensureLog(database);
  const registry = await readRegistry(database, options.lapseMs);
  const known = new Set(registry.map((view) => view.oid));
  const graph = await register(database, found, 0, registry);
  await renewLease(database, graph, 0, options.lapseMs);
  await silenceUnsetHolds(database, [...graph.sources.keys()]);
  const triggers = await installTriggers(database, found, graph, options);
  return {
    database: facts.database,
    migrations,
    views: found.views.map((view) => ({
      view: view.name, sources: view.sources.map((source) => source.name), state: known.has(view.oid) ? 'present' : 'registered',
    })),
    triggers,
  };
}

async function installTriggers(
  database: Database, found: Survey, graph: ServedGraph, { signal, onWait }: InstallOptions,
): Promise<InstalledTrigger[]> {
  const surveyed = new Map(found.views.flatMap((view) => view.sources).map((source) => [source.oid, source]));
  const sources = [...graph.sources.values()].flatMap((source) => {
    const facts = surveyed.get(source.oid);
    return facts === undefined ? [] : [{ ...facts, id: source.id }];
  });
  const faults = new Map<number, TriggerFault>(
    (await findTriggerFaults(database, sources.filter((source) => needsTrigger(source)))).map(({ target, fault }) => [target.oid, fault]),
  );
  const triggers: InstalledTrigger[] = [];
  for (const source of sources.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (source.kind === 'm') continue; // logged by whoever refreshes it
    if (source.kind === 'f') {
      triggers.push({ source: source.name, state: 'none', because: 'it is a foreign table' });
      continue;
    }
    const fault = faults.get(source.oid);
    if (fault === undefined) {
      triggers.push({ source: source.name, state: 'present', because: null });
    } else if (!source.mayTrigger) {
      triggers.push({ source: source.name, state: 'none', because: 'this role lacks the TRIGGER privilege on it' });
    } else {
      triggers.push(await installTrigger(source.name, fault, () =>
        mendTrigger(database, source, { signal, onWait: () => onWait(source.name) }), signal));
    }
  }
  return triggers;
}

async function installTrigger(
  source: string, fault: TriggerFault, mend: () => Promise<boolean>, signal: AbortSignal,
): Promise<InstalledTrigger> {
  try {
    const mended = await mend();
    return { source, state: mended ? (fault === 'missing' ? 'created' : 'mended') : 'present', because: null };
  } catch (error) {
    if (signal.aborted) throw error;
    return { source, state: 'kept-out', because: error instanceof Error ? error.message : String(error) };
  }
}
