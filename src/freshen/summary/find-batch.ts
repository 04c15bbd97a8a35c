import type { Transaction } from '../../database/database.js';
import type { SummaryState } from './summary-state.js';
import { holesSql, mayHaveHoles, mostFragments, nextBatchSql, type Batch, type Holes } from './watermark.js';

/** A batch with the ids that it skips. */
export interface FoundBatch extends Batch, Pick<Holes, 'holes'> {
  /** All gaps were looked into. */
  readonly looked: boolean;
  /** Moreover nothing visible is left beyond the watermark. */
  readonly complete: boolean;
}

/**
 * Finds the next batch of a summary's rows, and the ids that it skips on its way. In the caller's REPEATABLE READ transaction.
 *
 * @param most pieces that all gaps together may come in
 */
export async function findBatch(
  tx: Pick<Transaction, 'rows'>, { definition: { source: { name: source } }, idColumn, lastId, gapIds, batch: limit }: Awaiting, most = mostFragments,
): Promise<FoundBatch> {
  const [batch] = await tx.rows<Batch>(nextBatchSql(source, idColumn), [gapIds, lastId, limit, source, idColumn]);
  if (batch === undefined) throw new Error('The next batch was not to be had.');
  const looked = batch.found < limit;
  const complete = batch.found + batch.fresh < limit;
  if (!mayHaveHoles(batch, lastId)) return { ...batch, holes: '{}', looked, complete };
  const [skipped] = await tx.rows<Holes>(holesSql(source, idColumn), [lastId, batch.lastId, Math.max(0, most - fragments(gapIds))]);
  if (skipped === undefined) throw new Error('The ids that are missing were not to be had.');
  const { holes, endsAt, endsAfter } = skipped;
  if (endsAt === null || endsAfter === null) return { ...batch, holes, looked, complete };
  const idsCut = Number(BigInt(batch.lastId) - BigInt(endsAt));
  return { ...batch, holes, fresh: endsAfter, lastId: endsAt, idsBehind: batch.idsBehind + idsCut, looked, complete: false };
}

/** What of a summary's state says where its next batch begins. */
type Awaiting = Pick<SummaryState, 'idColumn' | 'lastId' | 'gapIds' | 'batch'> & { readonly definition: Pick<SummaryState['definition'], 'source'> };

/** How many pieces a multirange has. Pure. */
function fragments(ranges: string): number {
  return ranges === '{}' ? 0 : ranges.split('),').length;
}
