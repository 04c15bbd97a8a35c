import { UsageError } from '../config/usage-error.js';
import type { ViewPattern } from '../config/view-pattern.js';
import type { Database, Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';
import { explainMissing, listMatviews, resolveAllowlist, type Matview } from './allowlist.js';
import { maintainVersionNumber, type ServerFacts } from './server.js';

const viewSourcesQuery = loadQuery('view-sources');
const viewDefinitionsQuery = loadQuery('view-definitions');

/** A relation that a view reads, as the catalog has it now. */
export interface SurveyedSource {
  readonly oid: number;
  readonly name: string;
  /** `relkind`: r table, p partitioned table, f foreign table, m materialized view. */
  readonly kind: 'r' | 'p' | 'f' | 'm';
  /** Whether the role owns it, or is a member of the owner. */
  readonly owned: boolean;
  readonly mayTrigger: boolean;
  /** A partition, or a child: writes through its parent are seen without a trigger of its own. */
  readonly isChild: boolean;
  /** Quoted as needed. Without USAGE of it nobody reaches the source to create a trigger. */
  readonly schema: string;
  readonly mayUseSchema: boolean;
}

export interface SurveyedView extends Matview {
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
    const matviews = await listMatviews(tx);
    const allowed = resolveAllowlist(patterns, matviews);
    const missing = [];
    for (const pattern of allowed.missing) {
      missing.push({ name: pattern.text, explanation: await explainMissing(tx, pattern, matviews) });
    }
    const ambiguous = allowed.ambiguous.map(({ pattern, views }) => ({
      name: pattern.text,
      explanation: `${pattern.text} in --views may mean ${views.map((view) => view.name).join(' or ')}: give its schema as well.`,
    }));
    const kept = allowed.ambiguous.flatMap(({ views }) => views.filter((view) => served.includes(view.oid)));
    return { views: await withSources(tx, [...allowed.views, ...kept]), missing, ambiguous };
  });
}

async function withSources(tx: Transaction, views: readonly Matview[]): Promise<SurveyedView[]> {
  const rows = await tx.rows<SurveyedSource & { view: number }>(viewSourcesQuery, [views.map((view) => view.oid)]);
  const definitions = new Map(
    (await tx.rows<{ view: number; definition: string }>(viewDefinitionsQuery, [views.map((view) => view.oid)])).map((row) => [
      row.view, row.definition,
    ]),
  );
  return views.map((view) => ({
    ...view,
    sources: rows.filter((row) => row.view === view.oid),
    definition: definitions.get(view.oid) ?? null,
  }));
}

/**
 * Refuses views that the role may not refresh, and sources that it may not watch.
 *
 * @throws UsageError naming the GRANT
 */
export function requirePrivileges(found: Survey, facts: ServerFacts): void {
  for (const view of found.views) {
    if (!view.mayRefresh) {
      throw new UsageError(
        facts.versionNumber < maintainVersionNumber
          ? `Only its owner may refresh ${view.name}. Run as an administrator: GRANT ${quoteIdentifier(view.owner)} TO ${quoteIdentifier(facts.role)}; ` +
            `or: ALTER MATERIALIZED VIEW ${view.name} OWNER TO ${quoteIdentifier(facts.role)};`
          : `Role ${facts.role} may not refresh ${view.name}. Run as its owner: GRANT MAINTAIN ON ${view.name} TO ${quoteIdentifier(facts.role)};`,
      );
    }
    const outOfReach = view.sources.find((source) => needsTrigger(source) && !source.mayUseSchema);
    if (outOfReach !== undefined) {
      throw new UsageError(
        `Role ${facts.role} may not use the schema of ${outOfReach.name}, which ${view.name} reads. ` +
          `Run as its owner: GRANT USAGE ON SCHEMA ${outOfReach.schema} TO ${quoteIdentifier(facts.role)};`,
      );
    }
    const closed = view.sources.find((source) => needsTrigger(source) && !source.mayTrigger && !source.isChild);
    if (closed !== undefined) {
      throw new UsageError(
        `Role ${facts.role} may not create a trigger on ${closed.name}, which ${view.name} reads. ` +
          `Run as its owner: GRANT TRIGGER ON ${closed.name} TO ${quoteIdentifier(facts.role)};`,
      );
    }
  }
}

/** Tables record their changes by trigger; a materialized view is logged by whoever refreshes it, a foreign table by nobody. */
export function needsTrigger(source: Pick<SurveyedSource, 'kind'>): boolean {
  return source.kind === 'r' || source.kind === 'p';
}
