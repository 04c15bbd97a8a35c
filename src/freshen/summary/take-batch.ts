import type { Transaction } from '../../database/database.js';
import type { Holders } from '../../catalog/run-record.js';
import { checkWatermark } from '../../catalog/watermark-source.js';
import { countBatch, findReach, stretchBatch, stretchEnd, type Batch } from './find-batch.js';
import { firstHolders, hasId, holdersNow, isDrawn, isSettled, type Gap } from './gap.js';
import { bucketLiteral } from './lateness.js';
import { mergeSql, type Lateness, type Merged } from './merge.js';
import { DefinitionRefused, readHolders, union, type SummaryState } from './summary-state.js';
import { batchRows, watermarkAnewSql, type Reach } from './watermark.js';

/** What a batch has done, and where it leaves the watermark. */
export interface Taken {
  readonly lastId: string;
  /** All gaps, as `int8multirange` prints, and who may still fill them. */
  readonly gapIds: string;
  readonly holders: Holders;
  /** Rows of the source. */
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly late: number;
  readonly closedLate: number;
  /** Ids from the watermark to the greatest that is visible. */
  readonly idsBehind: number;
  /** Nothing that the snapshot shows is left. */
  readonly complete: boolean;
  /** Ids are far apart, or were in too many pieces: the next batch is better counted before it is taken. */
  readonly isSparse: boolean;
}

/** The sequence that the source's ids come from. */
export interface Sequence {
  /** 0: none has been given out, or it is not known. */
  readonly lastValue: bigint;
}

/** @throws DefinitionRefused when the ids are no watermark any more */
export async function readSequence(tx: Transaction, { name, definition, idColumn }: Pick<SummaryState, 'name' | 'definition' | 'idColumn'>): Promise<Sequence> {
  const [source] = await tx.rows<{ oid: number }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS oid', [definition.source.name]);
  const checked = await checkWatermark(tx, source?.oid ?? 0, idColumn);
  if ('refusal' in checked) throw new DefinitionRefused(`${name} cannot be kept any more: ${definition.source.name} ${checked.refusal}: ${checked.remedy}.`);
  return { lastValue: BigInt(checked.lastValue ?? 0) };
}

/**
 * Whether ids are given out once more that the watermark has passed. Not where it has passed the sequence for an id that was
 * written by hand: what is to be drawn next lies in a gap then. Pure.
 */
export function isRestarted({ lastId, gapIds }: Pick<SummaryState, 'lastId' | 'gapIds'>, { lastValue }: Sequence): boolean {
  return lastValue > 0n && lastValue < BigInt(lastId) && !hasId(gapIds, lastValue + 1n);
}

/** Where a batch goes, and what is late by now. */
interface Destination {
  readonly table: string;
  /** Buckets as JSON prints them; undefined: nothing is closed, nothing had ended. */
  readonly closedBefore: string | undefined;
  readonly endedBefore: string | undefined;
}

/**
 * Takes the next batch: finds its rows, merges them into `table`, notes the ids that were skipped as a gap, with whoever
 * may still fill it, and drops the gaps that nobody can fill any more. In the caller's REPEATABLE READ transaction.
 *
 * @param sequence as read after the snapshot
 * @param countsFirst for a source whose ids are far apart: see `isSparse`
 */
export async function takeBatch(
  tx: Transaction, view: number, state: SummaryState,
  { sequence, countsFirst, ...destination }: Destination & { readonly sequence: Sequence; readonly countsFirst: boolean },
): Promise<Taken> {
  const reach = await findReach(tx, state);
  // After the snapshot: whoever may still fill a gap is among them, or has ended since.
  const holders = await readHolders(tx, state.definition.source.name);
  const stretched = countsFirst || state.definition.isFiltered ? undefined : await mergeStretch(tx, state, reach, destination);
  const { batch, merged } = stretched ?? (await mergeCounted(tx, state, reach, destination));
  await countClosed(tx, view, merged.closed);
  const left = await keepGaps(tx, view, state, batch, { current: holders, sequence });
  const { lastId, complete, idsBehind, fresh, found } = batch;
  return {
    lastId, gapIds: left.ids, holders: left.holders, rows: found + fresh, complete, idsBehind, inserted: merged.inserted, updated: merged.updated, late: merged.late,
    closedLate: Object.values(merged.closed).reduce((sum, closed) => sum + closed, 0),
    isSparse: stretched === undefined || isSparse(state, batch),
  };
}

/** Pure. */
function isSparse({ lastId }: Pick<SummaryState, 'lastId'>, batch: Pick<Batch, 'lastId' | 'fresh'>): boolean {
  return Number(BigInt(batch.lastId) - BigInt(lastId)) > 2 * batch.fresh;
}

interface MergedBatch {
  readonly batch: Batch;
  readonly merged: Merged;
}

/**
 * Merges a stretch of ids, and learns by the merge how many rows it has: to count them first takes a third of the time
 * again, for most often none is missing.
 */
async function mergeStretch(tx: Transaction, state: SummaryState, reach: Reach, destination: Destination): Promise<MergedBatch | undefined> {
  const lastId = stretchEnd(state, reach);
  await tx.rows('SAVEPOINT stretch');
  const merged = await merge(tx, state, { ...reach, lastId }, destination);
  const batch = await stretchBatch(tx, state, reach, { lastId, fresh: merged.rows - reach.found });
  if (batch !== undefined) return { batch, merged };
  await tx.rows('ROLLBACK TO SAVEPOINT stretch');
  return undefined;
}

async function mergeCounted(tx: Transaction, state: SummaryState, reach: Reach, destination: Destination): Promise<MergedBatch> {
  const batch = await countBatch(tx, state, reach);
  return { batch, merged: await merge(tx, state, batch, destination) };
}

const nothingMerged: Merged = { rows: 0, inserted: 0, updated: 0, late: 0, closed: {} };

async function merge(
  tx: Transaction, state: SummaryState, { found, foundRanges, lastId }: Pick<Batch, 'found' | 'foundRanges' | 'lastId'>,
  { table, closedBefore, endedBefore }: Destination,
): Promise<Merged> {
  const { definition, idColumn, bucketColumn, bucketType, filled } = state;
  if (found === 0 && lastId === state.lastId) return nothingMerged;
  const sqlOf = (bucket: string | undefined): string | undefined => (bucket === undefined || bucketType === null ? undefined : bucketLiteral(bucket, { bucketType }));
  // A fill takes everything there is.
  const lateness: Lateness | undefined = bucketColumn === null || !filled ? undefined
    : { bucket: bucketColumn, closedBefore: sqlOf(closedBefore), endedBefore: sqlOf(endedBefore) };
  const [merged] = await tx.rows<Merged>(
    mergeSql(definition, { table, rows: batchRows(definition.source.name, idColumn, found > 0), lateness }),
    [state.lastId, lastId, ...(found > 0 ? [foundRanges] : [])],
  );
  if (merged === undefined) throw new Error('Merging a batch returned no row.');
  return merged;
}

async function countClosed(tx: Transaction, view: number, closed: Merged['closed']): Promise<void> {
  const buckets = Object.keys(closed);
  if (buckets.length === 0) return;
  await tx.rows(
    `INSERT INTO refresh_listener.late_bucket AS b (view, bucket, rows)
     SELECT $1, n.bucket, n.rows FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.int8[])) AS n (bucket, rows)
     ON CONFLICT (view, bucket) DO UPDATE SET rows = b.rows + excluded.rows, last_at = pg_catalog.now()`,
    [view, buckets, buckets.map((bucket) => closed[bucket])],
  );
}

/** What decides who may still fill a gap; the sequence was read before the holders. */
interface Now {
  readonly current: Holders;
  readonly sequence: Sequence;
}

/** @returns the gaps that are left, together, and all their holders */
async function keepGaps(tx: Transaction, view: number, state: SummaryState, batch: Batch, now: Now): Promise<{ readonly ids: string; readonly holders: Holders }> {
  const left: Pick<Gap, 'ids' | 'holders'>[] = [];
  for (const gap of state.gaps) {
    if (isSettled(gap, batch.looked)) {
      await tx.rows('DELETE FROM refresh_listener.gap AS g WHERE g.id = $1', [gap.id]);
      continue;
    }
    const holders = holdersNow(gap.holders, now.current, isDrawn(gap.ids, now.sequence.lastValue));
    const [kept] = await tx.rows<{ ids: string }>(
      `WITH left_over AS (SELECT g.id, g.ids - $2::pg_catalog.int8multirange AS ids FROM refresh_listener.gap AS g WHERE g.id = $1),
       emptied AS (DELETE FROM refresh_listener.gap AS g USING left_over AS l WHERE g.id = l.id AND pg_catalog.isempty(l.ids)),
       changed AS (UPDATE refresh_listener.gap AS g SET ids = l.ids, holders = $3::pg_catalog.jsonb FROM left_over AS l
                   WHERE g.id = l.id AND NOT pg_catalog.isempty(l.ids) AND (g.ids <> l.ids OR g.holders <> $3::pg_catalog.jsonb))
       SELECT l.ids::pg_catalog.text AS ids FROM left_over AS l WHERE NOT pg_catalog.isempty(l.ids)`,
      [gap.id, batch.foundRanges, JSON.stringify(holders)],
    );
    if (kept !== undefined) left.push({ ids: kept.ids, holders });
  }
  if (batch.holes !== '{}') {
    // Also when nobody holds a lock: who has ended since the snapshot may have filled it.
    left.push({ ids: batch.holes, holders: await addGap(tx, view, batch.holes, now) });
  }
  // Who holds several was met first by the oldest.
  const holders = Object.assign({}, ...left.toReversed().map((gap) => gap.holders)) as Holders;
  return { ids: union(left.map(({ ids }) => ids)), holders };
}

/** @returns its holders */
async function addGap(tx: Transaction, view: number, ids: string, { current, sequence }: Now): Promise<Holders> {
  const holders = firstHolders(current, isDrawn(ids, sequence.lastValue));
  await tx.rows(
    'INSERT INTO refresh_listener.gap (view, ids, holders) VALUES ($1, $2::pg_catalog.int8multirange, $3::pg_catalog.jsonb)',
    [view, ids, JSON.stringify(holders)],
  );
  return holders;
}

/**
 * Begins anew, where ids may be given out once more: what the snapshot shows counts as absorbed (a repair in the same
 * snapshot makes it so), and what is missing below may still come.
 */
export async function restartWatermark(tx: Transaction, view: number, state: SummaryState, sequence: Sequence): Promise<Taken> {
  const source = state.definition.source.name;
  const [anew] = await tx.rows<Pick<Batch, 'lastId' | 'holes'>>(watermarkAnewSql(source, state.idColumn), []);
  if (anew === undefined) throw new Error('The watermark was not to be begun anew.');
  const holders = await readHolders(tx, source);
  await tx.rows('DELETE FROM refresh_listener.gap AS g WHERE g.view = $1', [view]);
  const left = anew.holes === '{}' ? {} : await addGap(tx, view, anew.holes, { current: holders, sequence });
  return { lastId: anew.lastId, gapIds: anew.holes, holders: left, rows: 0, inserted: 0, updated: 0, late: 0, closedLate: 0, complete: true, idsBehind: 0, isSparse: false };
}
