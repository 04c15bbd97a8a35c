import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { readDefinition } from './definition/read-definition.js';

const summaryListQuery = loadQuery('summary-list');

/** The row of `summary-list.sql`. */
interface SummaryRow {
  readonly id: number;
  /** Null: the table has been dropped. */
  readonly oid: number | null;
  readonly name: string;
  readonly schema: string | null;
  readonly relation: string | null;
  readonly source: string | null;
  readonly definition: string | null;
  readonly capture: 'watermark';
  readonly idColumn: string;
  readonly watermark: string;
  readonly bucket: string | null;
  readonly latenessMs: number | null;
  readonly freshnessMs: number | null;
  readonly filledAt: Date | null;
}

/** A summary, as `listener summary list` tells of it. */
export interface ListedSummary extends Omit<SummaryRow, 'definition'> {
  /** How it is kept; null when its definition is gone, or has become one that no plan of this version keeps. */
  readonly plan: 'merge' | null;
}

/** Every summary of the database, by name. */
export async function listSummaries(tx: Pick<Transaction, 'rows'>): Promise<ListedSummary[]> {
  const rows = await tx.rows<SummaryRow>(summaryListQuery);
  return Promise.all(rows.map(async ({ definition, ...row }) => {
    const reading = definition === null ? undefined : await readDefinition(definition);
    return { ...row, plan: reading !== undefined && 'definition' in reading ? 'merge' : null };
  }));
}
