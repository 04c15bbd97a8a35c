import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const unwrittenChangesQuery = loadQuery('unwritten-changes');

/** A view that changes without a write to a source, so that nothing tells the worker: it needs --max-age or --schedule. */
export interface ClockedView {
  readonly oid: number;
  /** Why, each a clause to follow "it": 'reads the clock by now()', 'reads the foreign table app.rates'. Never empty. */
  readonly because: readonly string[];
}

/** What in a definition moves by itself; see `sql/queries/unwritten-changes.sql`. */
export interface UnwrittenChange {
  readonly kind: 'clock' | 'volatile' | 'function' | 'sample' | 'foreign' | 'catalog';
  /** Quoted as needed, with its schema where that is not PostgreSQL's own. */
  readonly name: string;
}

/** Which of these materialized views change without a write? In one query; needs no privilege. */
export async function findClockedViews(tx: Pick<Transaction, 'rows'>, oids: readonly number[]): Promise<ClockedView[]> {
  if (oids.length === 0) return [];
  const rows = await tx.rows<UnwrittenChange & { readonly oid: number }>(unwrittenChangesQuery, [oids]);
  const reasons = new Map<number, string[]>();
  for (const row of rows) reasons.set(row.oid, [...(reasons.get(row.oid) ?? []), reasonOf(row)]);
  return [...reasons].map(([oid, because]) => ({ oid, because }));
}

export function reasonOf({ kind, name }: UnwrittenChange): string {
  switch (kind) {
    case 'clock': return `reads the clock by ${name}`;
    case 'volatile': return `calls ${name}, which may return something else each time`;
    case 'function': return `calls ${name}, which is not IMMUTABLE and may read other tables`;
    case 'sample': return 'takes a random sample of a table (TABLESAMPLE without REPEATABLE)';
    case 'foreign': return `reads the foreign table ${name}, whose changes nobody records`;
    case 'catalog': return `reads ${name}, on which nobody can create a trigger`;
  }
}
