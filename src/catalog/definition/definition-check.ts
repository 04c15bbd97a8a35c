import type { ResultColumn, Transaction } from '../../database/database.js';
import { loadQuery } from '../../database/sql.js';
import { findClockedViews } from '../unwritten-change.js';
import type { MergeDefinition, Refusal, SummaryColumn } from './definition.js';

const factsQuery = loadQuery('definition-facts');

/** A column of a definition, by the catalog. */
export interface ColumnFacts {
  readonly name: string;
  /** As SQL writes it: 'numeric(12,2)'. */
  readonly type: string;
  /** What its values are made of in the end: of a domain its type, of an array its element. */
  readonly base: string;
  /** The collation's name, quoted, when it makes different strings equal. */
  readonly collation: string | null;
  /** Whether the type has an equality that a unique index, or a hash, can use. */
  readonly btree: boolean;
  readonly hash: boolean;
  /** Whether equal values also look the same: not so the numeric 1.0 and 1.00. */
  readonly oneImage: boolean;
}

/** The row of `definition-facts.sql`. */
export interface DefinitionFacts {
  readonly source: {
    readonly oid: number;
    readonly name: string;
    /** `relkind` of PostgreSQL. */
    readonly kind: string;
    readonly rowSecurity: boolean;
    readonly catalog: boolean;
  } | null;
  /** The user's own aggregates. */
  readonly aggregates: readonly string[];
  readonly setReturning: readonly string[];
  readonly columns: readonly ColumnFacts[];
}

/** A definition that the catalog has nothing against. */
export interface CheckedDefinition {
  /** Oid of the source: the root, when it is partitioned. */
  readonly source: number;
  /**
   * Dimensions of which equal values may look different (a numeric without a scale, an interval): which of them a group
   * shows is chance, in the definition as in the summary.
   */
  readonly manyImages: readonly string[];
}

/**
 * Does the catalog know of something for which `merge` cannot keep this definition: the clock, functions that read tables,
 * types whose sums drift? Reads only; must be able to read the source when a min or max is taken of a numeric or char.
 *
 * @param view oid of the plain view whose text was read
 */
export async function checkDefinition(tx: Transaction, view: number, definition: MergeDefinition): Promise<CheckedDefinition | Refusal> {
  const [facts] = await tx.rows<DefinitionFacts>(factsQuery, [view, definition.source.name]);
  if (facts === undefined) throw new Error(`The catalog did not answer for the definition with the oid ${view}.`);
  const [clocked] = await findClockedViews(tx, [view]);
  const refusal = refuseBySource(facts, definition) ?? refuseByCalls(facts, clocked?.because ?? []);
  if (refusal !== undefined) return refusal;
  // The type of a result does not tell the scale, or length, of what a min or max is taken of.
  const query = definition.columns.some(({ role, name }) => isExtreme(role) && hasModifier(baseOf(facts, name)))
    ? definition.selectArguments(`SELECT * FROM ${definition.source.name}`) : undefined;
  const taken = query === undefined ? [] : await tx.columns(query);
  return refuseByTypes(facts, definition.columns, taken) ?? accept(facts, definition.columns);
}

/** Pure. */
export function refuseBySource({ source }: DefinitionFacts, { source: { schema, relation } }: MergeDefinition): Refusal | undefined {
  if (source === null) return { refusal: `reads ${schema}.${relation}, which is not there`, remedy: 'name a table' };
  if (source.catalog) return { refusal: `reads ${source.name}, a relation of the system, on which nobody can create a trigger`, remedy: 'name a table of your own' };
  switch (source.kind) {
    case 'r': case 'p': break;
    case 'v': return { refusal: `reads ${source.name}, a plain view`, remedy: 'write the SELECT over the table that the view reads' };
    case 'm': return { refusal: `reads ${source.name}, a materialized view, whose rows are not appended`, remedy: 'write the SELECT over the table that it reads' };
    case 'f': return { refusal: `reads ${source.name}, a foreign table, whose changes nobody records`, remedy: 'keep it as a materialized view with --schedule or --max-age' };
    default: return { refusal: `reads ${source.name}, which is no table`, remedy: 'name a table' };
  }
  return source.rowSecurity
    ? { refusal: `reads ${source.name}, whose row security shows each role other rows`, remedy: 'summarise a table without row security: everybody who reads the summary sees all its rows' } : undefined;
}

/** Pure. @param moving what changes without a write: clauses of `unwritten-change.ts` */
export function refuseByCalls({ aggregates, setReturning }: DefinitionFacts, moving: readonly string[]): Refusal | undefined {
  if (moving[0] !== undefined) {
    return { refusal: moving[0], remedy: 'leave that to the query that reads the summary, or use what depends on the row alone (a function of yours: declare it IMMUTABLE if it is)' };
  }
  if (aggregates[0] !== undefined) return { refusal: `has the aggregate ${aggregates[0]}, which is none of PostgreSQL's`, remedy: 'use count, sum, avg, min or max of pg_catalog' };
  if (setReturning[0] !== undefined) {
    return { refusal: `calls ${setReturning[0]}, which makes several rows of one`, remedy: 'keep it as a materialized view: listener --views NAME, or write the several rows into a table of their own' };
  }
  return undefined;
}

/** Pure. @param taken what the aggregates take, as far as it matters */
export function refuseByTypes(facts: DefinitionFacts, columns: readonly SummaryColumn[], taken: readonly ResultColumn[]): Refusal | undefined {
  for (const { role, name } of columns) {
    const column = facts.columns.find((one) => one.name === name);
    if (column === undefined) throw new Error(`The definition has no column ${name}.`);
    const refusal = role === 'dimension' ? refuseDimension(column) : isExtreme(role)
      ? refuseExtreme(role, column, taken.find((one) => one.name === name)) : refuseSum(role, column);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** By their results: a sum of whole numbers is bigint or numeric, their average is numeric. */
function refuseSum(role: 'count' | 'sum' | 'avg', { name, type, base }: ColumnFacts): Refusal | undefined {
  if (role === 'count' || ['bigint', 'numeric'].includes(base)) return undefined;
  const call = `has ${name}, ${role}() of ${type}`;
  if (['real', 'double precision'].includes(base)) return { refusal: `${call}: its sum drifts with the order of the rows`, remedy: `cast to numeric inside ${role}()` };
  return { refusal: `${call}, and sums are kept of whole numbers and numeric alone`, remedy: base === 'interval'
    ? `take EXTRACT(epoch FROM ...) inside ${role}()` : `cast to numeric inside ${role}()` };
}

function refuseExtreme(role: 'min' | 'max', column: ColumnFacts, taken: ResultColumn | undefined): Refusal | undefined {
  const { name, base, type } = column;
  if (column.collation !== null) return collated(name, column.collation);
  if (hasModifier(base) ? taken !== undefined && taken.typmod >= 0 : column.btree && column.oneImage) return undefined;
  return {
    refusal: `has ${name}, ${role}() of ${type}, of which equal values may look different`,
    remedy: ['numeric', 'real', 'double precision'].includes(base) ? `cast to numeric with a scale inside ${role}(): numeric(20,4)`
      : `take ${role}() of whole numbers, numeric with a scale, dates, times or text`,
  };
}

function refuseDimension({ name, type, collation, btree, hash }: ColumnFacts): Refusal | undefined {
  if (collation !== null) return collated(name, collation);
  if (btree && hash) return undefined;
  return { refusal: `groups by ${name} of type ${type}, which has no equality that an index and a hash can use`, remedy: 'group by a text or a number made of it' };
}

function collated(name: string, collation: string): Refusal {
  return { refusal: `has ${name} under the collation ${collation}, which makes different strings equal`, remedy: 'give the expression a deterministic collation: COLLATE "default" or "C"' };
}

function accept({ source, columns: all }: DefinitionFacts, columns: readonly SummaryColumn[]): CheckedDefinition {
  const manyImages = columns.flatMap(({ role, name }) => (
    role === 'dimension' && all.some((column) => column.name === name && !column.oneImage) ? [name] : []));
  return { source: source?.oid ?? 0, manyImages };
}

function isExtreme(role: SummaryColumn['role']): role is 'min' | 'max' {
  return role === 'min' || role === 'max';
}

/** Whether a type's equal values look the same only where a scale or a length is declared. */
function hasModifier(base: string | undefined): boolean {
  return base === 'numeric' || base === 'character';
}

function baseOf({ columns }: DefinitionFacts, name: string): string | undefined {
  return columns.find((column) => column.name === name)?.base;
}
