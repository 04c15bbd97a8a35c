import { matches, type ViewPattern } from '../config/view-pattern.js';
import { nearestNames } from '../config/nearest-names.js';
import type { Transaction } from '../database/database.js';
import type { ViewKind } from './graph.js';
import { loadQuery } from '../database/sql.js';

const matviewsQuery = loadQuery('matviews');
const summariesQuery = loadQuery('summaries');
const relationsNamedQuery = loadQuery('relations-named');

/** A view that can be served: a materialized view of the database, or a summary. */
export interface ListedView {
  readonly oid: number;
  readonly kind: ViewKind;
  /** Oid of the relation whose query it shows: its own, or that of a summary's definition. */
  readonly definedBy: number;
  /** How soon a summary is to show a change, in ms; null: nothing is said of it. */
  readonly freshnessMs: number | null;
  readonly schema: string;
  readonly relation: string;
  /** Quoted as needed and with its schema: ready for SQL. */
  readonly name: string;
  /** Place of its schema in the role's own search path, from 1; null when it is not in it. */
  readonly pathPosition: number | null;
  /** Whether the role owns it, is a member of the owner, or has SELECT and MAINTAIN on it (since PostgreSQL 17). */
  readonly mayRefresh: boolean;
  readonly owner: string;
}

export interface Allowed {
  readonly views: readonly ListedView[];
  /** Patterns that match nothing now. */
  readonly missing: readonly ViewPattern[];
  /** Bare names that several schemas have and the search path does not decide. */
  readonly ambiguous: readonly { readonly pattern: ViewPattern; readonly views: readonly ListedView[] }[];
}

/** Lists the materialized views and the summaries, looking unqualified names up in the role's own search path. */
export async function listViews(tx: Transaction): Promise<ListedView[]> {
  await tx.rows('SET LOCAL search_path TO DEFAULT');
  const [path] = await tx.rows<{ schemas: string[] }>(
    'SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS schemas',
  );
  await tx.rows("SET LOCAL search_path = ''");
  const matviews = await tx.rows<ListedView>(matviewsQuery, [path?.schemas ?? []]);
  const [installed] = await tx.rows<{ readable: boolean }>(
    // Not by to_regclass, which is an error for a role that may not use the schema.
    `SELECT count(*) = 3 AS readable FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = 'refresh_listener' AND c.relname IN ('view', 'summary', 'cluster')
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')`,
  );
  return installed?.readable === true ? [...matviews, ...(await tx.rows<ListedView>(summariesQuery, [path?.schemas ?? []]))] : matviews;
}

/**
 * Which views does the allowlist name? A bare name means, as in SQL, the first match along the search path; a view
 * that stands outside the path is meant when no other bears the name.
 */
export function resolveAllowlist(patterns: readonly ViewPattern[], matviews: readonly ListedView[]): Allowed {
  const views = new Map<number, ListedView>();
  const missing: ViewPattern[] = [];
  const ambiguous: { pattern: ViewPattern; views: readonly ListedView[] }[] = [];
  for (const pattern of patterns) {
    const candidates = matviews.filter((view) => matches(pattern, view.schema, view.relation));
    const isBareName = pattern.schema === undefined && pattern.name.kind === 'exact';
    const first = candidates.reduce<ListedView | undefined>(
      (best, view) => ((view.pathPosition ?? Infinity) < (best?.pathPosition ?? Infinity) ? view : best),
      undefined,
    );
    const chosen = isBareName && first !== undefined ? [first] : candidates;
    if (chosen.length === 0) missing.push(pattern);
    else if (isBareName && chosen.length > 1) ambiguous.push({ pattern, views: chosen });
    else for (const view of chosen) views.set(view.oid, view);
  }
  return { views: [...views.values()], missing, ambiguous };
}

/** One line on why a name on the allowlist matches nothing, with the remedy. */
export async function explainMissing(tx: Transaction, pattern: ViewPattern, matviews: readonly ListedView[]): Promise<string> {
  if (pattern.name.kind === 'exact') {
    const { name } = pattern.name;
    const others = await tx.rows<{ name: string; schema: string; kind: string }>(relationsNamedQuery, [name]);
    const other = others.find((relation) => matches(pattern, relation.schema, name));
    if (other !== undefined) {
      return `${other.name} is a ${kindNames[other.kind] ?? 'relation'}, not a materialized view: it needs no refresh. Take it off --views.`;
    }
  }
  const names = matviews.map((view) => view.name);
  const nearest = nearestNames(pattern.text, names);
  if (nearest.length > 0) return `No materialized view matches ${pattern.text}. Did you mean ${nearest.join(' or ')}?`;
  if (names.length === 0) return `No materialized view matches ${pattern.text}: the database has none.`;
  return `No materialized view matches ${pattern.text}. The database has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}.`;
}

/** What a relation that is no materialized view is called, by its `relkind`. */
export const kindNames: Readonly<Record<string, string>> = { r: 'table', p: 'partitioned table', v: 'plain view', f: 'foreign table' };
