import { readFingerprints } from '../../catalog/fingerprint.js';
import type { ServedView } from '../../catalog/graph.js';
import { listHolders, type Backlog } from '../../catalog/run-record.js';
import type { Database, Transaction } from '../../database/database.js';
import { sqlstateOf } from '../../database/sqlstate.js';
import type { Absorbed, AbsorbOptions, Plan, Skipped, SummaryRun } from '../absorption.js';
import { CursorMoved, isOverdue, isStale, keepFingerprints, moveCursor, readBegin, readLinks, recordRun, tryLock, type Begin } from '../cursor.js';
import { nextBatchRows } from './batch-size.js';
import { beginFill, fillTableOf, finishFill } from './fill.js';
import { countIds } from './gap.js';
import { bucketAt, type LatenessContract } from './lateness.js';
import { repair } from './replace-region.js';
import { readSummaryState, type SummaryState } from './summary-state.js';
import { isRestarted, readSequence, restartWatermark, takeBatch, type Taken } from './take-batch.js';

/** An absorb stops between two batches after so long, so that other views get their turn. The rest follows at once. */
const sliceMs = 10_000;
const serializationFailure = '40001';

/** What one transaction of an absorb did. */
interface Step {
  readonly begin: Begin;
  readonly state: SummaryState;
  readonly taken: Taken;
  readonly repaired: { readonly inserted: number; readonly updated: number; readonly deleted: number } | undefined;
  /** Rows that the summary was filled with. */
  readonly filled: number | undefined;
  readonly stalenessMs: number | null;
  readonly rowsBehind: number;
  /** The cursor has moved: nothing is left. */
  readonly done: boolean;
  /** The absorb ends with it: nothing is left, or the rest is for later. */
  readonly last: boolean;
}

/**
 * Absorbs a summary: batch after batch, each one transaction in which "what is new" and "what the source says" come from
 * the same snapshot. Only the last moves the cursor, when nothing is left; each of them leaves a summary that shows just
 * what its watermark says, so that a crash in between costs a repeat of one batch.
 *
 * REPEATABLE READ: the statement that takes the advisory lock fixes the snapshot. The lock only spares work; what makes two
 * absorbs exclude each other is the view's row, which the second finds changed.
 *
 * @throws CursorMoved when somebody else has absorbed meanwhile, and whatever the statements throw
 */
export async function absorbSummary(database: Database, view: ServedView, options: AbsorbOptions): Promise<Absorbed | Skipped> {
  const startedMs = performance.now();
  const steps: Step[] = [];
  for (;;) {
    const step = await absorbStep(database, view, options, steps, startedMs);
    if ('outcome' in step) {
      const last = steps.at(-1);
      return last === undefined ? step : told(steps, last, performance.now() - startedMs);
    }
    steps.push(step);
    options.onBatch?.({ filling: !step.state.filled, rows: step.taken.rows, rowsBehind: step.rowsBehind });
    if (step.last) return told(steps, step, performance.now() - startedMs);
  }
}

async function absorbStep(
  database: Database, view: ServedView, options: AbsorbOptions, before: readonly Step[], startedMs: number,
): Promise<Step | Skipped> {
  // Before the snapshot, never after it, and so in a transaction of its own: what the fingerprint has not seen, and a mark
  // that has not been read, are looked into once too often.
  const seen = await database.transaction('absorb', async (tx) => {
    const links = await readLinks(tx, view.id);
    return links && { links, fingerprints: await readFingerprints(tx, links.sources) };
  });
  if (seen === undefined) return { outcome: 'gone' };
  const limits = { lockTimeoutMs: options.lockTimeoutMs, statementTimeoutMs: options.refreshTimeoutMs, isolation: 'repeatable read' as const };
  try {
    return await database.transaction('absorb', async (tx) => {
      const stepStartedMs = performance.now();
      if (!(await tryLock(tx, view.id))) return { outcome: 'locked' };
      const begin = await readBegin(tx, view);
      const known = await readSummaryState(tx, view.id, options.batchRows);
      if (begin === undefined || known === undefined) return { outcome: 'gone' };
      if (begin.paused && options.evenPaused !== true) return { outcome: 'paused' };
      const due = isRepairDue(known, options.repairEveryMs);
      const behind = !known.filled || known.rowsBehind > 0 || isReadOtherwise(known);
      if (before.length === 0 && !isStale(begin) && !behind && !due && !isOverdue(begin, options.overdueSince)) return { outcome: 'fresh' };
      // Should it fail because somebody else has written it, then before the work. From here on no sweep renews its lease.
      await tx.rows('SELECT FROM refresh_listener.view AS v WHERE v.id = $1 FOR NO KEY UPDATE', [view.id]);

      const sequence = await readSequence(tx, known);
      // Ids may be given out once more.
      const anew = begin.operations.includes('T') || isRestarted(known, sequence);
      const begins = !known.filled && (!known.fillBegan || anew);
      const state = begins ? await beginFill(tx, view.id, known, begin, seen.links.wholeMarks) : known;
      const closedBefore = await closing(tx, state, begin);
      // What came while it was filled is in doubt, if it was more than inserts.
      const doubtful = !begins && needsRepair(begin, state);
      const plan: Plan = doubtful || (state.filled && (anew || due || isOverdue(begin, options.overdueSince))) ? 'rebuild' : 'merge';
      options.onWorking?.({ transaction: tx, plan });

      const taken = anew && state.filled
        ? await restartWatermark(tx, view.id, state, sequence)
        : await takeBatch(tx, view.id, state, {
            table: state.filled ? state.name : fillTableOf(view.id), closedBefore, endedBefore: await ended(tx, state, begin), sequence,
            countsFirst: before.at(-1)?.taken.isSparse ?? false,
          });
      const finished = taken.complete;
      const filled = finished && !state.filled ? await finishFill(tx, view.id, state) : undefined;
      // What a fill has taken was shown to nobody yet: also its closed buckets are as the source says.
      const repaired = finished && plan === 'rebuild' ? await repair(tx, state, taken, state.filled ? closedBefore : undefined) : undefined;

      const durationMs = performance.now() - startedMs;
      const rowsBehind = finished ? 0 : Math.max(1, taken.idsBehind);
      await moveWatermark(tx, view.id, state, { taken, rowsBehind, tookMs: performance.now() - stepStartedMs });
      await noteState(tx, view.id, state, { finished, wholly: finished && (plan === 'rebuild' || !state.filled), closedBefore });
      let stalenessMs: number | null = null;
      if (finished) {
        await keepFingerprints(tx, view.id, seen.fingerprints);
        stalenessMs = await moveCursor(tx, view, begins ? { ...begin, cursor: begin.snapshot } : begin, seen.links, durationMs);
      }
      // A watermark that waits for gaps to close takes no rows: that is no reason to ask again at once.
      const stuck = taken.rows === 0 && taken.lastId === state.lastId;
      const last = finished || stuck || options.signal?.aborted === true || durationMs > sliceMs;
      const step: Step = { begin, state, taken, repaired, filled, stalenessMs, rowsBehind, done: finished, last };
      // One that could take nothing is tried again and again, and leaves no record.
      if (finished || (last && (!stuck || before.length > 0))) await recordRun(tx, view, options.reason, told([...before, step], step, durationMs));
      return step;
    }, limits);
  } catch (error) {
    if (sqlstateOf(error) === serializationFailure && !(error instanceof CursorMoved)) {
      throw new CursorMoved(`${view.name} was written by somebody else meanwhile.`, { cause: error });
    }
    throw error;
  }
}

/** What a batch has taken, and the size of the next one. */
async function moveWatermark(
  tx: Transaction, view: number, { batch }: Pick<SummaryState, 'batch'>,
  { taken, rowsBehind, tookMs }: { readonly taken: Taken; readonly rowsBehind: number; readonly tookMs: number },
): Promise<void> {
  await tx.rows(
    `UPDATE refresh_listener.watermark AS w
     SET last_id = $2, batch = $3, rows_behind = $4::pg_catalog.int8, rows_a_second = coalesce($5, w.rows_a_second), taken_at = n.now,
         growth = ($4::pg_catalog.int8 - w.rows_behind) / nullif(pg_catalog.date_part('epoch', n.now - w.taken_at), 0)
     FROM (SELECT pg_catalog.clock_timestamp() AS now) AS n WHERE w.view = $1`,
    [view, taken.lastId, nextBatchRows(batch, taken.rows, tookMs), rowsBehind, taken.rows === 0 ? null : (taken.rows * 1_000) / tookMs],
  );
}

/**
 * What is closed is kept with the batch that went by it: for whoever looks now, what came for such a bucket is not to be
 * shown. A fill closes nothing before it has ended.
 *
 * @param wholly whether all that is open was read from the source, under the settings of now
 */
async function noteState(
  tx: Transaction, view: number, { filled, settings }: Pick<SummaryState, 'filled' | 'settings'>,
  { finished, wholly, closedBefore }: { readonly finished: boolean; readonly wholly: boolean; readonly closedBefore: string | undefined },
): Promise<void> {
  if (!finished && !filled) return;
  await tx.rows(
    `UPDATE refresh_listener.summary AS s
     SET filled_at = coalesce(s.filled_at, pg_catalog.now()), repaired_at = CASE WHEN $2 THEN pg_catalog.now() ELSE s.repaired_at END,
         settings = CASE WHEN $2 THEN $3::pg_catalog.jsonb ELSE s.settings END, closed_before = $4
     WHERE s.view = $1 AND ($5 OR s.closed_before IS DISTINCT FROM $4)`,
    [view, wholly, JSON.stringify(settings), closedBefore ?? null, finished],
  );
}

/** Something other than an insert was recorded, or it is not known what has happened, or expressions would be read differently now. Pure. */
export function needsRepair(begin: Pick<Begin, 'whole' | 'settled' | 'operations'>, state: Pick<SummaryState, 'settings' | 'keptSettings' | 'filled'>): boolean {
  return begin.whole || begin.settled || begin.operations.some((operation) => operation !== 'I') || isReadOtherwise(state);
}

/** Its expressions would be evaluated under other settings than it was absorbed under. Pure. */
function isReadOtherwise({ filled, settings, keptSettings }: Pick<SummaryState, 'settings' | 'keptSettings' | 'filled'>): boolean {
  return filled && Object.entries(settings).some(([name, value]) => keptSettings[name] !== value);
}

/** Pure. */
export function isRepairDue({ filled, repairedAtMs, nowMs }: Pick<SummaryState, 'filled' | 'repairedAtMs' | 'nowMs'>, everyMs: number | undefined): boolean {
  return filled && everyMs !== undefined && nowMs - (repairedAtMs ?? -Infinity) >= everyMs;
}

/**
 * The bucket before which all are closed. By the moment of the oldest change that is absorbed now, and not by that of the
 * absorb: what came in time stays in time, however late the worker is. It never goes back.
 */
async function closing(tx: Transaction, state: SummaryState, begin: Begin): Promise<string | undefined> {
  const { lateness: less, definition, closedBefore: atLeast, nowMs } = state;
  const contract = contractOf(state);
  if (contract === undefined || less === null) return undefined;
  const sinceMs = begin.whole ? begin.absorbedAtMs : begin.oldestMs;
  return bucketAt(tx, definition, contract, Math.min(nowMs, sinceMs ?? nowMs), { less, atLeast });
}

/** The bucket before which all had ended when the summary was absorbed last: what comes for them is late. */
async function ended(tx: Transaction, state: SummaryState, begin: Begin): Promise<string | undefined> {
  const contract = contractOf(state);
  if (contract === undefined || !state.filled || begin.absorbedAtMs === null) return undefined;
  return bucketAt(tx, state.definition, contract, begin.absorbedAtMs);
}

function contractOf({ bucketColumn: bucket, bucketType, lateness }: SummaryState): LatenessContract | undefined {
  return bucket === null || bucketType === null ? undefined : { bucket, bucketType, lateness };
}

/** By what the absorb before had left, or else by what the first batch of this one did. Pure. */
function backlogOf({ state: { rowsBehind: left }, rowsBehind: first }: Step, { rowsBehind }: Step): Backlog {
  const before = left > 0 ? left : first;
  if (rowsBehind === 0 || rowsBehind === before) return null;
  return rowsBehind > before ? 'growing' : 'shrinking';
}

function told(steps: readonly Step[], last: Step, durationMs: number): Absorbed {
  const total = (of: (step: Step) => number): number => steps.reduce((sum, step) => sum + of(step), 0);
  const repaired = steps.find((step) => step.repaired !== undefined)?.repaired;
  const filling = !last.state.filled;
  const [inserted, updated, deleted] = [
    (last.filled ?? total(({ taken }) => taken.inserted)) + (repaired?.inserted ?? 0),
    (filling ? 0 : total(({ taken }) => taken.updated)) + (repaired?.updated ?? 0), repaired?.deleted ?? 0,
  ];
  const summary: SummaryRun = {
    filling, batches: steps.length, gaps: countIds(last.taken.gapIds), holders: listHolders(last.taken.holders), rowsBehind: last.rowsBehind,
    backlog: backlogOf(steps[0] ?? last, last),
    rowsRead: total(({ taken }) => taken.rows), late: total(({ taken }) => taken.late), closedLate: total(({ taken }) => taken.closedLate),
    corrections: repaired === undefined ? null : repaired.inserted + repaired.updated + repaired.deleted,
  };
  return {
    outcome: 'absorbed', plan: repaired === undefined ? 'merge' : 'rebuild', name: last.state.name,
    sources: [...new Set(steps.flatMap(({ begin }) => begin.sources))], stalenessMs: last.stalenessMs, durationMs,
    inserted, updated, deleted, changed: last.done && (filling || inserted + updated + deleted > 0), summary,
  };
}
