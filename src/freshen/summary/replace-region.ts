import type { Transaction } from '../../database/database.js';
import { replaceRegionSql, type Replaced, type Sides } from '../compare.js';
import { openRegion } from './lateness.js';
import { shapeOf } from './merge.js';
import type { SummaryState } from './summary-state.js';
import { absorbedRows } from './watermark.js';

/** Which rows of the source count: up to the watermark, but for the gaps. As in `SummaryState`. */
export interface Counted {
  readonly lastId: string;
  readonly gapIds: string;
}

/**
 * The one writer beside the merge: reads the definition inside a region, over just the rows that the watermark has
 * absorbed, compares, and writes what differs.
 *
 * @param region SQL over the summary's columns; undefined: all of it
 */
export async function replaceRegion(tx: Transaction, state: SummaryState, counted: Counted, region: string | undefined): Promise<Replaced> {
  const { parameters, ...sides } = sidesOf(state, counted, region);
  const [replaced] = await tx.rows<Replaced>(replaceRegionSql({ ...sides, ...shapeOf(state.definition) }), parameters);
  if (replaced === undefined) throw new Error('Replacing a region returned no row.');
  return replaced;
}

/** Compares all open buckets with the source, and puts right what differs. */
export async function repair(tx: Transaction, state: SummaryState, counted: Counted, closedBefore: string | undefined): Promise<Replaced> {
  return replaceRegion(tx, state, counted, openBuckets(state, closedBefore));
}

/** What a repair compares: for whoever only wants to know. */
export function openSides(state: SummaryState, counted: Counted, closedBefore: string | undefined): SummarySides {
  return sidesOf(state, counted, openBuckets(state, closedBefore));
}

/** Both sides, with what their SQL takes as parameters. */
export type SummarySides = Sides & { readonly parameters: readonly unknown[] };

function sidesOf({ definition, idColumn, name }: SummaryState, { lastId, gapIds }: Counted, region: string | undefined): SummarySides {
  return { table: name, now: definition.select(absorbedRows(definition.source.name, idColumn)), region, parameters: [lastId, gapIds] };
}

function openBuckets({ bucketColumn: bucket, bucketType }: SummaryState, closedBefore: string | undefined): string | undefined {
  return closedBefore === undefined || bucket === null || bucketType === null ? undefined : openRegion({ bucket, bucketType }, closedBefore);
}
