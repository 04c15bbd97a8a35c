import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';
import { matches, parseViewPattern } from '../config/view-pattern.js';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { lockKeys } from './lock-key.js';
import { listSummaries, type ListedSummary } from './summary-list.js';
import { ddlLimits, retriedOnLock, type DdlPatience } from './trigger.js';

const relationsNamedQuery = loadQuery('relations-named');

/** A worker's transaction on a summary takes about a second; waiting for its end keeps nobody else from anything. */
const absorbLimits = { lockTimeoutMs: 30_000, statementTimeoutMs: 60_000 };
const dependentObjects = '2BP01';
const insufficientPrivilege = '42501';

/**
 * The one summary that a name means: along the role's search path, or the only one that bears it.
 *
 * @throws UsageError with the nearest names, or with what the name means in truth
 */
export async function findSummary(tx: Pick<Transaction, 'rows'>, text: string): Promise<ListedSummary> {
  const pattern = parseViewPattern(text);
  if (pattern.name.kind === 'pattern' || pattern.schema?.kind === 'pattern') throw new UsageError(`${text} is a pattern: give the name of one summary`);
  const summaries = await listSummaries(tx);
  const found = summaries.filter((one) => {
    const { schema, name } = one.schema === null || one.relation === null ? nameParts(one.name) : { schema: one.schema, name: one.relation };
    return matches(pattern, schema, name);
  });
  if (found.length > 1) {
    const first = await firstInPath(tx, found);
    if (first !== undefined) return first;
    throw new UsageError(`${text} may mean ${found.map(({ name }) => name).join(' or ')}: give its schema as well`);
  }
  if (found[0] !== undefined) return found[0];
  const others = await tx.rows<{ name: string; schema: string; kind: string }>(relationsNamedQuery, [pattern.name.name]);
  const other = others.find(({ schema }) => pattern.schema === undefined || matches(pattern, schema, pattern.name.kind === 'exact' ? pattern.name.name : ''));
  if (other !== undefined) throw new UsageError(`${other.name} is no summary of the listener: it is left alone`);
  const names = summaries.map(({ name }) => name);
  const nearest = nearestNames(text, names);
  throw new UsageError(`there is no summary ${text}: ${
    nearest.length > 0 ? `did you mean ${nearest.join(' or ')}?` : names.length === 0 ? 'the database has none' : `the database has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`}`);
}

/** Of a summary whose table is gone only the quoted name is left. */
function nameParts(quoted: string): { readonly schema: string; readonly name: string } {
  const { schema, name } = parseViewPattern(quoted);
  return { schema: schema?.kind === 'exact' ? schema.name : '', name: name.kind === 'exact' ? name.name : '' };
}

async function firstInPath(tx: Pick<Transaction, 'rows'>, summaries: readonly ListedSummary[]): Promise<ListedSummary | undefined> {
  await tx.rows('SET LOCAL search_path TO DEFAULT');
  const [path] = await tx.rows<{ schemas: string[] }>('SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS schemas');
  await tx.rows("SET LOCAL search_path = ''");
  return path?.schemas.flatMap((schema) => summaries.filter((one) => one.schema === schema))[0];
}

/**
 * Drops a summary: its table, its definition, what a fill has left, and its records; nothing else. Waits for a worker that
 * is at it; then for whoever uses the table, 200 ms at a time.
 *
 * @throws UsageError when something depends on it, or the role does not own it; the lock timeout when somebody kept it for
 * all of the attempts. Nothing is dropped then.
 */
export async function dropSummary(database: Database, summary: ListedSummary, patience: DdlPatience): Promise<void> {
  try {
    await retriedOnLock(patience, () => database.transaction('look', (tx) => dropOnce(tx, summary), absorbLimits));
  } catch (error) {
    const state = sqlstateOf(error);
    if (!(error instanceof Error)) throw error;
    const { detail } = error as { readonly detail?: string };
    if (state === dependentObjects) {
      throw new UsageError(`something depends on ${summary.name} (${(detail ?? error.message).replace(/\s+/g, ' ')}): drop that first`, { cause: error });
    }
    if (state === insufficientPrivilege) throw new UsageError(`${error.message}: drop ${summary.name} as its owner`, { cause: error });
    throw error;
  }
}

async function dropOnce(tx: Transaction, { id, oid, name }: ListedSummary): Promise<void> {
  await tx.rows('SELECT pg_catalog.pg_advisory_xact_lock($1, $2)', [lockKeys.absorb, id]);
  await tx.rows(`SET LOCAL lock_timeout = ${ddlLimits.lockTimeoutMs}; SET LOCAL statement_timeout = ${ddlLimits.statementTimeoutMs}`);
  if (oid !== null) {
    await tx.rows(`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`);
    // Under the lock its name cannot move any more.
    const [row] = await tx.rows<{ same: boolean }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid = $2 AS same', [name, oid]);
    if (row?.same !== true) throw new Error(`${name} was renamed just now: nothing was dropped.`);
    await tx.rows(`DROP TABLE ${name}`);
  }
  await tx.rows(`DROP VIEW IF EXISTS refresh_listener.definition_${id}`);
  await tx.rows(`DROP TABLE IF EXISTS refresh_listener.fill_${id}`);
  await tx.rows("DELETE FROM refresh_listener.view AS v WHERE v.id = $1 AND v.kind = 'summary'", [id]);
}
