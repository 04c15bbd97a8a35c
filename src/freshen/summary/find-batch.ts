import type { Transaction } from '../../database/database.js';
import type { SummaryState } from './summary-state.js';
import { countSql, holesSql, mayHaveHoles, mostFragments, reachSql, type Ahead, type Holes, type Reach } from './watermark.js';

/** Rows to take: those that were found in gaps, and those beyond the watermark up to an id. */
export interface Batch extends Ahead, Pick<Reach, 'found' | 'foundRanges'> {
  /** The ids that it skips, as an `int8multirange` prints. */
  readonly holes: string;
  /** Ids from its end to the greatest that is visible: how much is left. */
  readonly idsBehind: number;
  /** All gaps were looked into. */
  readonly looked: boolean;
  /** Moreover nothing visible is left beyond it. */
  readonly complete: boolean;
}

/** What of a summary's state says where its next batch begins. */
export type Awaiting = Pick<SummaryState, 'idColumn' | 'lastId' | 'gapIds' | 'batch'> & { readonly definition: Pick<SummaryState['definition'], 'source'> };

/** Looks into the gaps, and how far the source goes. In the caller's REPEATABLE READ transaction, as all here. */
export async function findReach(tx: Pick<Transaction, 'rows'>, { definition: { source: { name: source } }, idColumn, lastId, gapIds, batch }: Awaiting): Promise<Reach> {
  const [reach] = await tx.rows<Reach>(reachSql(source, idColumn), [gapIds, lastId, batch, source, idColumn]);
  if (reach === undefined) throw new Error('The next rows were not to be found.');
  return reach;
}

/**
 * The next rows, counted first, as many as a batch takes, and the ids that they skip.
 *
 * @param most pieces that all gaps together may come in; where there are more the batch ends before
 */
export async function countBatch(tx: Pick<Transaction, 'rows'>, awaiting: Awaiting, reach: Reach, most = mostFragments): Promise<Batch> {
  const { definition: { source: { name: source } }, idColumn, lastId, batch: limit } = awaiting;
  const [ahead] = await tx.rows<Ahead>(countSql(source, idColumn), [lastId, limit - reach.found]);
  if (ahead === undefined) throw new Error('The next rows were not to be counted.');
  const complete = reach.found + ahead.fresh < limit;
  if (!mayHaveHoles(ahead, lastId, reach)) return toBatch(awaiting, reach, { ...ahead, holes: '{}', complete });
  const { holes, endsAt, endsAfter } = await findHoles(tx, awaiting, ahead.lastId, most);
  return toBatch(awaiting, reach, endsAt === null || endsAfter === null ? { ...ahead, holes, complete } : { fresh: endsAfter, lastId: endsAt, holes, complete: false });
}

/**
 * Where a batch ends that takes all there is in as many ids as it may take rows, before anybody knows how many rows that is.
 * Pure.
 */
export function stretchEnd({ lastId, batch: limit }: Pick<Awaiting, 'lastId' | 'batch'>, { found, greatestId }: Pick<Reach, 'found' | 'greatestId'>): string {
  const end = BigInt(lastId) + BigInt(limit - found);
  return end < BigInt(greatestId) ? String(end) : greatestId;
}

/**
 * The batch that took such a stretch.
 *
 * @param taken its end, and how many rows it had
 * @returns undefined when it was not to be taken: it had no row, or the ids that it skips are in too many pieces
 */
export async function stretchBatch(tx: Pick<Transaction, 'rows'>, awaiting: Awaiting, reach: Reach, taken: Ahead, most = mostFragments): Promise<Batch | undefined> {
  const complete = reach.found < awaiting.batch && taken.lastId === reach.greatestId;
  if (!mayHaveHoles(taken, awaiting.lastId, reach)) return toBatch(awaiting, reach, { ...taken, holes: '{}', complete });
  const { holes, endsAt, greatestId } = await findHoles(tx, awaiting, taken.lastId, most);
  return greatestId === null || endsAt !== null ? undefined : toBatch(awaiting, reach, { ...taken, lastId: greatestId, holes, complete });
}

function toBatch({ batch: limit }: Awaiting, { found, foundRanges, greatestId }: Reach, rest: Pick<Batch, 'fresh' | 'lastId' | 'holes' | 'complete'>): Batch {
  return { ...rest, found, foundRanges, looked: found < limit, idsBehind: Number(BigInt(greatestId) - BigInt(rest.lastId)) };
}

async function findHoles(
  tx: Pick<Transaction, 'rows'>, { definition: { source: { name: source } }, idColumn, lastId, gapIds }: Awaiting, upTo: string, most: number,
): Promise<Holes> {
  const [holes] = await tx.rows<Holes>(holesSql(source, idColumn), [lastId, upTo, Math.max(0, most - fragments(gapIds))]);
  if (holes === undefined) throw new Error('The ids that are missing were not to be had.');
  return holes;
}

/** How many pieces a multirange has. Pure. */
function fragments(ranges: string): number {
  return ranges === '{}' ? 0 : ranges.split('),').length;
}
