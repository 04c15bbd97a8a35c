import type { Transaction } from '../../database/database.js';
import { replaceRegionSql, type Replaced, type Sides } from '../compare.js';
import { regionOf, restrictionOf, type BucketRange } from './bucket-range.js';
import { shapeOf } from './merge.js';
import type { SummaryState } from './summary-state.js';
import { rawColumn } from './time-column.js';
import { absorbedRows } from './watermark.js';

/** Which rows of the source count: up to the watermark, but for the gaps. As in `SummaryState`. */
export interface Counted {
  readonly lastId: string;
  readonly gapIds: string;
}

/** Both sides, with what their SQL takes as parameters. */
export type SummarySides = Sides & { readonly parameters: readonly unknown[] };

/**
 * The one writer beside the merge: reads the definition inside a region, over just the rows that the watermark has
 * absorbed, compares, and writes what differs.
 *
 * @param range undefined: all of it
 */
export async function replaceRegion(tx: Transaction, state: SummaryState, counted: Counted, range: BucketRange | undefined): Promise<Replaced> {
  const { parameters, ...sides } = await sidesOf(tx, state, counted, range);
  const [replaced] = await tx.rows<Replaced>(replaceRegionSql({ ...sides, ...shapeOf(state.definition) }), parameters);
  if (replaced === undefined) throw new Error('Replacing a region returned no row.');
  return replaced;
}

/** Compares all open buckets with the source, and puts right what differs. */
export async function repair(tx: Transaction, state: SummaryState, counted: Counted, closedBefore: string | undefined): Promise<Replaced> {
  return replaceRegion(tx, state, counted, openBuckets(closedBefore));
}

/** What a repair compares: for whoever only wants to know. */
export function openSides(tx: Transaction, state: SummaryState, counted: Counted, closedBefore: string | undefined): Promise<SummarySides> {
  return sidesOf(tx, state, counted, openBuckets(closedBefore));
}

/** A bucket that is NULL is never closed. */
function openBuckets(closedBefore: string | undefined): BucketRange | undefined {
  return closedBefore === undefined ? undefined : { from: closedBefore, withNull: true };
}

async function sidesOf(tx: Transaction, state: SummaryState, { lastId, gapIds }: Counted, range: BucketRange | undefined): Promise<SummarySides> {
  const { definition, idColumn, name: table, bucketColumn, bucketType } = state;
  const parameters = [lastId, gapIds];
  if (range === undefined || bucketColumn === null || bucketType === null) {
    return { table, now: definition.select(absorbedRows(definition.source.name, idColumn)), parameters };
  }
  const bucketed = { definition, bucketColumn, bucketType };
  // PostgreSQL takes the region down to the rows by itself, but not through date_trunc to an index on the column.
  const raw = await rawColumn(tx, bucketed);
  const rows = absorbedRows(definition.source.name, idColumn, raw && restrictionOf(bucketed, raw, range));
  return { table, now: definition.select(rows), region: regionOf(bucketed, range), parameters };
}
