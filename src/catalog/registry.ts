import pRetry from 'p-retry';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { buildGraph, type ServedGraph, type ViewKind } from './graph.js';
import type { Survey, SurveyedSource, SurveyedView } from './survey.js';

const registryQuery = loadQuery('registry');
const linkSourcesQuery = loadQuery('link-sources');

/** A row of `refresh_listener.view`, whoever serves it. */
export interface RegisteredView {
  readonly id: number;
  readonly oid: number;
  readonly name: string;
  readonly kind: ViewKind;
  /** Whether nobody has served it for longer than the lapse. */
  readonly abandoned: boolean;
  /** Whether it still exists under this oid. */
  readonly exists: boolean;
  /** Ids of its sources. */
  readonly sources: readonly number[];
  /** A hash of the plain views that it reads through, as they were when it was linked; null before. */
  readonly definition: string | null;
}

export async function readRegistry(database: Database, lapseMs: number): Promise<RegisteredView[]> {
  return database.rows<RegisteredView>(registryQuery, [lapseMs]);
}

/** What a survey and the registry, laid side by side, ask for. */
export interface Registration {
  /** Surveyed views that have no row, or another name. */
  readonly views: readonly SurveyedView[];
  /** Rows of views that are gone, or that nobody has served for longer than the lapse. */
  readonly forget: readonly RegisteredView[];
}

/** Decides what must be registered and forgotten. Pure. */
export function planRegistration(found: Survey, registry: readonly RegisteredView[]): Registration {
  const registered = new Map(registry.map((view) => [view.oid, view]));
  const served = new Set(found.views.map((view) => view.oid));
  return {
    views: found.views.filter((view) => registered.get(view.oid)?.name !== view.name),
    // What a summary is made of stands here alone: nobody serving it is no reason to forget it.
    forget: registry.filter((view) => !view.exists || (view.kind === 'matview' && view.abandoned && !served.has(view.oid))),
  };
}

/**
 * Writes the surveyed views, their sources and the links between them. Any number of workers may do so at once.
 *
 * @param install whether to create registers for sources that have none
 * @returns what this worker serves, with the ids that the rows have
 */
export async function register(
  database: Database, found: Survey, leaseMs: number, registry: readonly RegisteredView[], install = true,
): Promise<ServedGraph> {
  // A source has no link for a moment: a worker that sweeps just then takes it for unread and removes it. Then it is
  // registered once more. Each of many starting workers may get in the way once.
  return pRetry(() => registerOnce(database, found, leaseMs, registry, install), {
    retries: 30, minTimeout: 20, maxTimeout: 500, randomize: true,
    shouldRetry: ({ error }) => [foreignKeyViolation, deadlockDetected].includes(sqlstateOf(error) ?? ''),
  });
}

const foreignKeyViolation = '23503';
const deadlockDetected = '40P01';

async function registerOnce(
  database: Database, found: Survey, leaseMs: number, registry: readonly RegisteredView[], install: boolean,
): Promise<ServedGraph> {
  const plan = planRegistration(found, registry);
  if (plan.views.length > 0) await registerViews(database, plan.views, leaseMs);
  const surveyed = new Map(found.views.flatMap((view) => view.sources).map((source) => [source.oid, source]));
  const sourceIds = await registerSources(database, [...surveyed.values()], install);
  const viewIds = await idsOf(database, 'view', found.views.map((view) => view.oid));

  const views = found.views.flatMap((view) => {
    const id = viewIds.get(view.oid);
    const sources = view.sources.flatMap((source) => sourceIds.get(source.oid) ?? []);
    return id === undefined ? [] : [{ id, kind: view.kind, freshnessMs: view.freshnessMs, oid: view.oid, name: view.name, schema: view.schema, relation: view.relation, sources, definition: view.definition }];
  });
  const linked = new Map(registry.map((view) => [view.id, view]));
  for (const view of views) {
    const before = linked.get(view.id);
    const same =
      before?.definition === view.definition && before.sources.length === view.sources.length &&
      view.sources.every((id) => before.sources.includes(id));
    // A new link is a doubt: the source's log rows were not kept for this view. The query marks the view stale whole.
    if (!same) await database.rows(linkSourcesQuery, [view.id, view.sources, view.definition]);
  }
  const sources = [...surveyed.values()].flatMap((source) => {
    const id = sourceIds.get(source.oid);
    return id === undefined ? [] : [{ id, oid: source.oid, name: source.name }];
  });
  return buildGraph(views, sources);
}

/** Removes the row of a view that is gone or abandoned; a running absorb of it then fails its compare-and-set. */
export async function forgetView(database: Database, view: RegisteredView, lapseMs: number): Promise<boolean> {
  const gone = await database.rows(
    `DELETE FROM refresh_listener.view AS v
     WHERE v.id = $1
       AND ((v.kind = 'matview' AND v.served_until + pg_catalog.make_interval(secs => $2::pg_catalog.float8 / 1000) < pg_catalog.clock_timestamp())
            OR NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c
                           WHERE c.oid = v.oid AND c.relkind = CASE v.kind WHEN 'matview' THEN 'm' ELSE 'r' END::pg_catalog."char"))
     RETURNING v.id`,
    [view.id, lapseMs],
  );
  if (view.kind === 'summary' && gone.length > 0) {
    await database.rows(`DROP VIEW IF EXISTS refresh_listener.definition_${view.id}`);
    await database.rows(`DROP TABLE IF EXISTS refresh_listener.fill_${view.id}`);
  }
  return gone.length > 0;
}

/** Sources that no view reads any more. */
export async function unreadSources(database: Database): Promise<{ id: number; oid: number; name: string }[]> {
  return database.rows(
    `SELECT s.id, s.oid, s.name FROM refresh_listener.source AS s
     WHERE NOT EXISTS (SELECT FROM refresh_listener.view_source AS vs WHERE vs.source = s.id)`,
  );
}

async function registerViews(database: Database, views: readonly SurveyedView[], leaseMs: number): Promise<void> {
  await database.rows(
    `INSERT INTO refresh_listener.view AS v (oid, name, served_until)
     SELECT n.oid, n.name, pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3::pg_catalog.float8 / 1000)
     FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.text[])) AS n (oid, name)
     ORDER BY n.oid
     ON CONFLICT (oid) DO UPDATE SET name = excluded.name WHERE v.name <> excluded.name`,
    [views.map((view) => view.oid), views.map((view) => view.name), leaseMs],
  );
}

/** Rows and registers of sources that have none; a chunk a transaction, for each register is a relation to lock. */
async function registerSources(database: Database, sources: readonly SurveyedSource[], install: boolean): Promise<Map<number, number>> {
  const known = await completeSources(database, sources.map((source) => source.oid));
  const fresh = sources.filter((source) => known.get(source.oid) !== source.name);
  for (let start = 0; start < fresh.length; start += sourcesPerTransaction) {
    const chunk = fresh.slice(start, start + sourcesPerTransaction);
    await database.transaction('look', async (tx) => {
      const registered = await tx.rows<{ id: number }>(
        `INSERT INTO refresh_listener.source AS s (oid, name)
         SELECT n.oid, n.name FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.text[])) AS n (oid, name)
         ORDER BY n.oid
         ON CONFLICT (oid) DO UPDATE SET name = excluded.name
         RETURNING s.id`,
        [chunk.map((source) => source.oid), chunk.map((source) => source.name)],
      );
      if (install) for (const source of registered) await createRegisters(tx, source.id);
    });
  }
  return idsOf(database, 'source', sources.map((source) => source.oid));
}

const sourcesPerTransaction = 100;

/**
 * Unset means: append, and ring. Not UNLOGGED: after a crash with no worker about, a source in polling mode would ring (and
 * make PREPARE TRANSACTION fail) and an abandoned log would grow, until a worker came back.
 */
async function createRegisters(tx: Transaction, source: number): Promise<void> {
  for (const register of ['log', 'hold']) {
    await tx.rows(`CREATE SEQUENCE IF NOT EXISTS refresh_listener.${register}_${source} MINVALUE 0`);
  }
}

/** Names by oid of the sources that have a row and both registers. */
async function completeSources(database: Database, oids: readonly number[]): Promise<Map<number, string>> {
  const rows = await database.rows<{ oid: number; name: string }>(
    `SELECT s.oid, s.name FROM refresh_listener.source AS s
     WHERE s.oid = ANY ($1::pg_catalog.oid[])
       AND pg_catalog.to_regclass('refresh_listener.log_' || s.id) IS NOT NULL
       AND pg_catalog.to_regclass('refresh_listener.hold_' || s.id) IS NOT NULL`,
    [oids],
  );
  return new Map(rows.map((row) => [row.oid, row.name]));
}

async function idsOf(database: Database, table: 'view' | 'source', oids: readonly number[]): Promise<Map<number, number>> {
  const rows = await database.rows<{ oid: number; id: number }>(
    `SELECT r.oid, r.id FROM refresh_listener.${table} AS r WHERE r.oid = ANY ($1::pg_catalog.oid[])`, [oids],
  );
  return new Map(rows.map((row) => [row.oid, row.id]));
}
