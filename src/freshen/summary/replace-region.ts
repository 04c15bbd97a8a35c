import type { Transaction } from '../../database/database.js';
import { replaceRegionSql, type Replaced } from '../compare.js';
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
  const { definition, idColumn, name } = state;
  const [replaced] = await tx.rows<Replaced>(
    replaceRegionSql({ table: name, ...shapeOf(definition), now: definition.select(absorbedRows(definition.source.name, idColumn)), region }),
    [counted.lastId, counted.gapIds],
  );
  if (replaced === undefined) throw new Error('Replacing a region returned no row.');
  return replaced;
}

/** Compares all open buckets with the source, and puts right what differs. */
export async function repair(tx: Transaction, state: SummaryState, counted: Counted, closedBefore: string | undefined): Promise<Replaced> {
  const { bucketColumn: bucket, bucketType } = state;
  const region = closedBefore === undefined || bucket === null || bucketType === null ? undefined : openRegion({ bucket, bucketType }, closedBefore);
  return replaceRegion(tx, state, counted, region);
}
