import type { Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';
import { definitionKey, type DefinitionKey } from './definition-key.js';

const candidatesQuery = loadQuery('unique-index-candidates');

/** A unique index that would let a view be refreshed CONCURRENTLY. */
export interface UniqueIndexAdvice {
  /** SQL, with its semicolon. */
  readonly statement: string;
  /**
   * `definition`: the definition allows no two rows with the same values there. `data`: the last ANALYZE saw none.
   * `guess`: the first column, for want of better.
   */
  readonly certainty: 'definition' | 'data' | 'guess';
  /** Why these columns: a sentence. */
  readonly because: string;
}

interface Candidates {
  readonly name: string;
  readonly action: string;
  readonly columns: readonly string[];
  readonly distinct: readonly string[];
  readonly uniques: readonly { readonly table: number; readonly columns: readonly number[] }[];
}

/** Which unique index would do for this view? Undefined when it is gone, or has no column. */
export async function adviseUniqueIndex(tx: Pick<Transaction, 'rows'>, oid: number): Promise<UniqueIndexAdvice | undefined> {
  const [candidates] = await tx.rows<Candidates>(candidatesQuery, [oid]);
  return candidates === undefined ? undefined : chooseUniqueIndex(candidates);
}

/** Pure. */
export function chooseUniqueIndex(candidates: Candidates): UniqueIndexAdvice | undefined {
  const chosen = chooseColumns(candidates);
  if (chosen === undefined) return undefined;
  const { columns, ...rest } = chosen;
  return { statement: `CREATE UNIQUE INDEX ON ${candidates.name} (${columns.map(quoteIdentifier).join(', ')});`, ...rest };
}

type Choice = Omit<UniqueIndexAdvice, 'statement'> & { readonly columns: readonly string[] };

function chooseColumns({ action, columns, distinct, uniques }: Candidates): Choice | undefined {
  const key = definitionKey(action);
  const places = key === undefined ? undefined : keyPlaces(key, uniques);
  const named = places?.flatMap((place) => columns[place - 1] ?? []);
  if (key !== undefined && named !== undefined && named.length > 0) {
    return { columns: named, certainty: 'definition', because: reasons[key.by] };
  }
  if (distinct[0] !== undefined) {
    return { columns: [distinct[0]], certainty: 'data', because: 'The last ANALYZE saw no value of this column twice: check that it will stay so.' };
  }
  if (columns[0] === undefined) return undefined;
  return { columns: [columns[0]], certainty: 'guess', because: 'The column is a guess: name those that tell the rows apart.' };
}

const reasons: Readonly<Record<DefinitionKey['by'], string>> = {
  'GROUP BY': 'The view is grouped by what the index is on.',
  DISTINCT: 'The view takes DISTINCT rows of what the index is on.',
  'one row': 'The view has one row.',
  table: 'What the index is on is unique in the table that the view reads.',
};

/** The places of the key's columns in the view. Of a table's unique indexes the smallest that the view shows whole. */
function keyPlaces(key: DefinitionKey, uniques: Candidates['uniques']): readonly number[] | undefined {
  if (key.by !== 'table') return key.columns;
  for (const unique of uniques) {
    if (unique.table !== key.table) continue;
    const places = unique.columns.flatMap((column) => key.columnOf.get(column) ?? []);
    if (places.length === unique.columns.length) return places;
  }
  return undefined;
}
