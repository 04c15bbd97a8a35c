import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';
import { matches, parseViewPattern, type ViewPattern } from '../config/view-pattern.js';
import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { kindNames, listViews, resolveAllowlist, type ListedView } from './allowlist.js';

const relationsNamedQuery = loadQuery('relations-named');

/**
 * The one materialized view that a name means, looked up as SQL does. Reads only.
 *
 * @throws UsageError for a pattern, for a name that several views bear, and for an unknown one, with the nearest names
 */
export async function findNamedView(tx: Transaction, text: string): Promise<ListedView> {
  const pattern = parseViewPattern(text);
  if (pattern.name.kind === 'pattern' || pattern.schema?.kind === 'pattern') {
    throw new UsageError(`${pattern.text} is a pattern: give the name of one view`);
  }
  const [view] = await viewsNamed(tx, pattern, await listViews(tx));
  if (view === undefined) throw new Error(`${pattern.text} means no view, and no error says so.`);
  return view;
}

/**
 * The materialized views that names and patterns mean, each once. Reads only.
 *
 * @throws UsageError as `findNamedView` does, and for a pattern that matches none
 */
export async function findNamedViews(tx: Transaction, texts: readonly string[]): Promise<ListedView[]> {
  const listed = await listViews(tx);
  const found = new Map<number, ListedView>();
  for (const pattern of texts.map(parseViewPattern)) {
    for (const view of await viewsNamed(tx, pattern, listed)) found.set(view.oid, view);
  }
  return [...found.values()];
}

/** At least one. */
async function viewsNamed(tx: Transaction, pattern: ViewPattern, listed: readonly ListedView[]): Promise<readonly ListedView[]> {
  const { views, ambiguous: [ambiguous] } = resolveAllowlist([pattern], listed);
  if (views.length > 0) return views;
  if (ambiguous !== undefined) {
    throw new UsageError(`${pattern.text} may mean ${ambiguous.views.map(({ name }) => name).join(' or ')}: give its schema as well`);
  }
  if (pattern.name.kind === 'exact') {
    const { name } = pattern.name;
    const others = await tx.rows<{ name: string; schema: string; kind: string }>(relationsNamedQuery, [name]);
    const other = others.find((relation) => matches(pattern, relation.schema, name));
    if (other !== undefined) throw new UsageError(`${other.name} is a ${kindNames[other.kind] ?? 'relation'}, not a materialized view`);
  }
  throw new UsageError(`there is no materialized view ${pattern.text}${remedy(pattern.text, listed.map((one) => one.name))}`);
}

/** What may have been meant: the nearest names, else some of those there are. */
function remedy(text: string, names: readonly string[]): string {
  const nearest = nearestNames(text, names);
  if (nearest.length > 0) return `: did you mean ${nearest.join(' or ')}?`;
  if (names.length === 0) return ': the database has none';
  return `: the database has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`;
}
