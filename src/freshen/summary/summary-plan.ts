import type { SummaryStanding } from '../../catalog/summary-standing.js';
import { readDefinition } from '../../catalog/definition/read-definition.js';
import { mergeSql } from './merge.js';
import { batchRows } from './watermark.js';

/** How a summary is kept, and why so. */
export interface SummaryPlan {
  readonly plan: 'merge';
  /** One clause. */
  readonly reason: string;
  readonly index: null;
  readonly advice: null;
  /** Its definition, and the statement that adds new rows to it; the latter is missing when the definition cannot be kept any more. */
  readonly sql: readonly { readonly title: string; readonly text: string }[];
}

/** Reads nothing but the definition's text. */
export async function readSummaryPlan(table: string, { definition, idColumn }: Pick<SummaryStanding, 'definition' | 'idColumn'>): Promise<SummaryPlan> {
  const fixed = { plan: 'merge', index: null, advice: null } as const;
  if (definition === null) return { ...fixed, reason: 'this role may not read its definition', sql: [] };
  const own = { title: 'Its definition', text: definition.trim() };
  const reading = await readDefinition(definition);
  if ('refusal' in reading) return { ...fixed, reason: `it cannot be kept any more, for it ${reading.refusal}: ${reading.remedy}`, sql: [own] };
  const { source } = reading.definition;
  return {
    ...fixed,
    reason:
      `new rows of ${source.schema}.${source.relation}, by their ${idColumn}, are grouped and added to the rows of their groups; after an UPDATE, DELETE or ` +
      `TRUNCATE, and every --repair-every, the open buckets are compared with the source, and rows that differ are written anew`,
    sql: [
      own,
      { title: 'New rows ($1: the watermark before, $2: after; those found in gaps come as $3)', text: mergeSql(reading.definition, { table, rows: batchRows(source.name, idColumn, false) }) },
    ],
  };
}
