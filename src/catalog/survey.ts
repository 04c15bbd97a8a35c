import { UsageError } from '../config/usage-error.js';
import type { ViewPattern } from '../config/view-pattern.js';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { explainMissing, listViews, resolveAllowlist, type ListedView } from './allowlist.js';
import { faultLine } from './fault.js';
import { missingPrivileges } from './privilege.js';
import type { ServerFacts } from './server.js';
import type { SourceKind } from './source-kind.js';

export { needsTrigger } from './source-kind.js';

const viewSourcesQuery = loadQuery('view-sources');
const viewDefinitionsQuery = loadQuery('view-definitions');

/** A relation that a view reads, as the catalog has it now. */
export interface SurveyedSource {
  readonly oid: number;
  readonly name: string;
  readonly kind: SourceKind;
  /** Whether the role owns it, or is a member of the owner. */
  readonly owned: boolean;
  readonly mayTrigger: boolean;
  /** A partition, or a child: writes through its parent are seen without a trigger of its own. */
  readonly isChild: boolean;
  /** Quoted as needed. Without USAGE of it nobody reaches the source to create a trigger. */
  readonly schema: string;
  readonly mayUseSchema: boolean;
}

export interface SurveyedView extends ListedView {
  readonly sources: readonly SurveyedSource[];
  /** A hash of the plain views that it reads through; null when there are none. */
  readonly definition: string | null;
}

/** The allowlist, answered by the catalog. */
export interface Survey {
  readonly views: readonly SurveyedView[];
  /** Names on the allowlist that match nothing now, each with one line on the remedy. */
  readonly missing: readonly { readonly name: string; readonly explanation: string }[];
  /** Bare names that several views bear, each with one line on the remedy. Those that are served already stay served. */
  readonly ambiguous: readonly { readonly name: string; readonly explanation: string }[];
}

/**
 * Finds the views of the allowlist and everything they read, in a fixed number of queries.
 *
 * @param served oids of the views that are served already: another of the same name does not end that
 */
export async function survey(database: Database, patterns: readonly ViewPattern[], served: readonly number[]): Promise<Survey> {
  return database.transaction('look', async (tx) => {
    const listed = await listViews(tx);
    const allowed = resolveAllowlist(patterns, listed);
    const missing = [];
    for (const pattern of allowed.missing) {
      missing.push({ name: pattern.text, explanation: await explainMissing(tx, pattern, listed) });
    }
    const ambiguous = allowed.ambiguous.map(({ pattern, views }) => ({
      name: pattern.text,
      explanation: `${pattern.text} in --views may mean ${views.map((view) => view.name).join(' or ')}: give its schema as well.`,
    }));
    const kept = allowed.ambiguous.flatMap(({ views }) => views.filter((view) => served.includes(view.oid)));
    return { views: await withSources(tx, [...allowed.views, ...kept]), missing, ambiguous };
  });
}

/** Surveys just these views, whatever an allowlist says. Those that are gone are missing. */
export async function surveyOids(database: Database, oids: readonly number[]): Promise<SurveyedView[]> {
  return database.transaction('look', async (tx) => {
    const listed = await listViews(tx);
    return withSources(tx, listed.filter((view) => oids.includes(view.oid)));
  });
}

/** Surveys a summary that is yet to be created, by the plain view that defines it; it has no oid. */
export async function surveyDefinition(
  tx: Transaction, { name, schema, owner, definedBy }: Pick<ListedView, 'name' | 'schema' | 'owner' | 'definedBy'>,
): Promise<SurveyedView> {
  const view: ListedView = { oid: 0, kind: 'summary', freshnessMs: null, definedBy, name, schema, relation: name, pathPosition: null, mayRefresh: true, owner };
  const [surveyed] = await withSources(tx, [view]);
  return surveyed ?? { ...view, sources: [], definition: null };
}

async function withSources(tx: Transaction, views: readonly ListedView[]): Promise<SurveyedView[]> {
  const rows = await tx.rows<SurveyedSource & { view: number }>(viewSourcesQuery, [views.map((view) => view.definedBy)]);
  const definitions = new Map(
    (await tx.rows<{ view: number; definition: string }>(viewDefinitionsQuery, [views.map((view) => view.definedBy)])).map((row) => [
      row.view, row.definition,
    ]),
  );
  return views.map((view) => ({
    ...view,
    sources: rows.filter((row) => row.view === view.definedBy),
    definition: definitions.get(view.definedBy) ?? null,
  }));
}

/**
 * Refuses views that the role may not refresh, and sources that it may not watch.
 *
 * @param install whether triggers are to be created
 * @throws UsageError naming the GRANT
 */
export function requirePrivileges(found: Survey, facts: ServerFacts, install = true): void {
  const [missing] = found.views.flatMap((view) => missingPrivileges(view, facts)).filter(({ source }) => install || source === undefined);
  if (missing !== undefined) throw new UsageError(faultLine(missing));
}

/** @throws UsageError for the first name on the allowlist that matches nothing, or that several views bear */
export function requireFound(found: Survey): void {
  const [missing] = [...found.missing, ...found.ambiguous];
  if (missing !== undefined) throw new UsageError(missing.explanation);
}
