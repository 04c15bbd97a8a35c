import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';
import { parseViewPattern } from '../config/view-pattern.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { listViews, resolveAllowlist, type ListedView } from './allowlist.js';
import { buildGraph, type ServedGraph, type ServedView, type ViewKind } from './graph.js';

const registeredLinksQuery = loadQuery('registered-links');

/** The row of `registered-links.sql`. */
interface RegisteredLinks {
  readonly id: number;
  readonly kind: ViewKind;
  readonly freshnessMs: number | null;
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  readonly name: string;
  readonly paused: boolean;
  readonly sources: readonly { readonly id: number; readonly oid: number; readonly name: string }[];
}

/** What all workers together serve, and which of it is paused. */
export interface RegisteredGraph extends ServedGraph {
  /** Ids of views. */
  readonly paused: ReadonlySet<number>;
}

/**
 * Reads the graph of all registered views, whoever serves them.
 *
 * @throws UsageError when nothing is installed
 */
export async function readRegisteredGraph(database: Database): Promise<RegisteredGraph> {
  const [schema] = await database.rows<{ exists: boolean }>(
    `SELECT pg_catalog.to_regclass('refresh_listener.view') IS NOT NULL AS exists`,
  );
  if (schema?.exists !== true) {
    throw new UsageError('nothing is installed in this database: run a worker (listener --views mv_dashboard), or listener install --views mv_dashboard');
  }
  const rows = await database.rows<RegisteredLinks>(registeredLinksQuery);
  const sources = new Map(rows.flatMap((row) => row.sources).map((source) => [source.id, source]));
  const views = rows.map(({ id, kind, freshnessMs, oid, name, schema, relation, sources: read }) => ({ id, kind, freshnessMs, oid, name, schema, relation, sources: read.map((source) => source.id) }));
  return { ...buildGraph(views, [...sources.values()]), paused: new Set(rows.filter(({ paused }) => paused).map(({ id }) => id)) };
}

/**
 * The registered views that somebody names, as SQL does or by patterns.
 *
 * @throws UsageError with the nearest names, or what to do about a view that nobody serves
 */
export async function findRegistered(database: Database, graph: ServedGraph, names: readonly string[]): Promise<ServedView[]> {
  const registered = new Map([...graph.views.values()].map((view) => [view.oid, view]));
  const listed = await database.transaction('look', listViews);
  const patterns = names.map(parseViewPattern);
  const { views, missing, ambiguous } = resolveAllowlist(patterns, listed.filter((view) => registered.has(view.oid)));
  const [pattern] = missing;
  if (pattern !== undefined) throw new UsageError(explainUnregistered(pattern.text, resolveAllowlist([pattern], listed).views, [...registered.values()]));
  const [unclear] = ambiguous;
  if (unclear !== undefined) {
    throw new UsageError(`${unclear.pattern.text} may mean ${unclear.views.map((view) => view.name).join(' or ')}: give its schema as well`);
  }
  return views.flatMap((view) => registered.get(view.oid) ?? []);
}

function explainUnregistered(name: string, unserved: readonly ListedView[], registered: readonly ServedView[]): string {
  const [other] = unserved;
  if (other !== undefined) {
    return `${other.name} is not served by any listener: put it on the --views of a worker, or run listener install --views ${name}`;
  }
  const served = registered.map((view) => view.name);
  const nearest = nearestNames(name, served);
  if (nearest.length > 0) return `no view that is served matches ${name}: did you mean ${nearest.join(' or ')}?`;
  return `no view that is served matches ${name}: ${served.length === 0 ? 'none is served' : `there are ${served.slice(0, 5).join(', ')}${served.length > 5 ? ', ...' : ''}`}`;
}
