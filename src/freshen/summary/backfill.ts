import { setTimeout as pause } from 'node:timers/promises';
import { lockKeys } from '../../catalog/lock-key.js';
import { listHolders } from '../../catalog/run-record.js';
import { UsageError } from '../../config/usage-error.js';
import type { Database, Transaction, TransactionLimits } from '../../database/database.js';
import { loadQuery } from '../../database/sql.js';
import { sqlstateOf } from '../../database/sqlstate.js';
import { recordRun } from '../cursor.js';
import { nextBuckets, type Paced } from './backfill-pace.js';
import { countBuckets, readCuts, wantedRange, type WantedRange } from './backfill-range.js';
import type { Bucketed } from './bucket-range.js';
import { pinSettings } from './pin-settings.js';
import { countIds } from './gap.js';
import { findPruned } from './pruned-buckets.js';
import { replaceRegion } from './replace-region.js';
import { readSummaryState, type SummaryState } from './summary-state.js';

const backfillRowQuery = loadQuery('backfill-row');
const beginBackfillQuery = loadQuery('begin-backfill');
const advanceBackfillQuery = loadQuery('advance-backfill');
const awaitedQuery = loadQuery('awaited');
const takeLateBucketsQuery = loadQuery('take-late-buckets');

/** What a backfill has done so far, calls that were stopped included. */
export interface BackfillDone {
  readonly buckets: number;
  /** Rows of the summary that were wrong. */
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Late rows that were counted apart, and are shown now. */
  readonly late: number;
  /** Where it goes on; null at the end. */
  readonly next: string | null;
  readonly finished: boolean;
}

/** The row of `backfill-row.sql`. Buckets as JSON prints them. */
interface BackfillRow extends Omit<BackfillDone, 'finished'> {
  /** Tells one backfill from another. */
  readonly startedAt: string;
  readonly first: string;
  readonly next: string;
  readonly last: string;
  readonly ageMs: number;
}

/** How a call begins. */
export interface BackfillBegun {
  readonly first: string;
  readonly last: string;
  readonly next: string;
  /** Buckets that the range has, as far as the summary and its late rows tell; done ones included. */
  readonly total: number;
  readonly done: Omit<BackfillDone, 'finished'>;
  /** It goes on where a call stopped that began so long ago; undefined: it is a new one. */
  readonly resumedMs: number | undefined;
  /** Another range that a call had not finished, and that nobody goes on with now. */
  readonly givenUp: Pick<BackfillRow, 'first' | 'next' | 'last'> | undefined;
}

export interface BackfillRequest {
  readonly view: number;
  /** For errors. */
  readonly name: string;
  readonly from: string;
  /** Undefined: until now. */
  readonly to: string | undefined;
  /** Do not go on where a call stopped. */
  readonly restart: boolean;
  /** Also closed buckets that the source has no rows of any more. */
  readonly evenPruned: boolean;
}

export interface BackfillOptions {
  readonly lockTimeoutMs: number;
  /** 0: none. Of one batch. */
  readonly statementTimeoutMs: number;
  readonly onBegin: (begun: BackfillBegun) => void;
  /** After each batch, the last one too. */
  readonly onProgress: (done: BackfillDone) => void;
  /** Somebody else is absorbing the summary; told once. */
  readonly onWait: () => void;
}

/** What a batch left. */
interface Batch {
  readonly done: BackfillDone;
  readonly buckets: number;
  /** A worker has something to absorb, and looks for a moment to do it. */
  readonly awaited: boolean;
}

/** A worker that found the summary locked comes again after half of that. */
const restMs = 1_000;
const mostConflicts = 100;
/** serialization_failure, deadlock_detected */
const conflictStates = ['40001', '40P01'];

/**
 * Recomputes the buckets of a range, closed ones included, from the rows that count as absorbed: batch after batch, each in
 * a transaction of its own that also notes how far it has come. So it can be killed anywhere, and goes on when it is
 * called again. Beside a running worker it counts nothing twice: each batch has the watermark of its own snapshot, and the
 * lock of the view; and rows that somebody wrote all the same meanwhile are an error of REPEATABLE READ, after which the batch
 * is begun anew.
 *
 * @returns what was done in all
 * @throws UsageError for a range, or a summary, of which there is nothing to recompute
 */
export async function backfill(database: Database, request: BackfillRequest, options: BackfillOptions): Promise<BackfillDone> {
  const startedMs = performance.now();
  const { begun, range, startedAt } = await database.transaction('look', (tx) => begin(tx, request), { lockTimeoutMs: 5_000, statementTimeoutMs: options.statementTimeoutMs });
  options.onBegin(begun);
  let paced: Paced | undefined;
  let before: Paced | undefined;
  let conflicts = 0;
  let waits = 0;
  for (;;) {
    const buckets = paced === undefined ? 1 : nextBuckets(paced, before);
    const batchStartedMs = performance.now();
    try {
      const batch = await underLock(database, request.view, () => {
        waits += 1;
        if (waits === 1) options.onWait();
      }, () => recompute(database, request, options, { range, startedAt, buckets, startedMs }));
      options.onProgress(batch.done);
      if (batch.done.finished) return batch.done;
      if (paced !== undefined && paced.buckets !== batch.buckets) before = paced;
      paced = { buckets: batch.buckets, durationMs: performance.now() - batchStartedMs };
      conflicts = 0;
      if (batch.awaited) await pause(restMs);
    } catch (error) {
      if (!conflictStates.includes(sqlstateOf(error) ?? '') || (conflicts += 1) > mostConflicts) throw error;
    }
  }
}

async function begin(tx: Transaction, request: BackfillRequest): Promise<{ begun: BackfillBegun; range: WantedRange; startedAt: string }> {
  const { view, name, from, to, restart } = request;
  const state = await readState(tx, view, name);
  if (!state.filled) throw new UsageError(`${name} is not filled yet: listener --views ${name} fills it, and there is nothing to recompute before`);
  const bucketed = bucketedOf(state, name);
  if (await isPaused(tx, view)) throw new UsageError(paused(name));
  const range = await wantedRange(tx, bucketed, from, to);
  const pruned = request.evenPruned ? undefined : await findPruned(tx, state, bucketed, range);
  if (pruned !== undefined) {
    const { rows, before } = pruned;
    const { schema, relation } = state.definition.source;
    throw new UsageError(
      `${name} shows ${rows.toLocaleString('en-US')} rows of closed buckets that ${schema}.${relation} has no rows of any more, and they would vanish: ` +
        `${before === null ? '' : `begin with --from '${before}', or `}give --force to let them`,
    );
  }
  const [stored] = await tx.rows<BackfillRow>(backfillRowQuery, [view]);
  // Of a range without an end the last bucket is another one by now: what had been done is done all the same.
  const goesOn = !restart && stored?.first === range.first && (to === undefined || stored.last === range.last);
  const [row] = await tx.rows<BackfillRow>(beginBackfillQuery, [view, range.first, goesOn ? stored.next : range.first, range.last, goesOn]);
  if (row === undefined) throw new Error(`The backfill of ${name} was not to be begun.`);
  const total = await countBuckets(tx, view, state.name, bucketed, range);
  return {
    begun: {
      first: row.first, last: row.last, next: row.next, total, done: row, resumedMs: goesOn ? stored.ageMs : undefined,
      givenUp: goesOn || restart ? undefined : stored,
    },
    range, startedAt: row.startedAt,
  };
}

/** Runs `work` while a transaction of its own holds the view's lock, so that its snapshots begin after whoever had it. */
async function underLock<T>(database: Database, view: number, onWait: () => void, work: () => Promise<T>): Promise<T> {
  return database.transaction('look', async (tx) => {
    await tx.rows('SET LOCAL idle_in_transaction_session_timeout = 0');
    const [row] = await tx.rows<{ locked: boolean }>('SELECT pg_catalog.pg_try_advisory_xact_lock($1, $2) AS locked', [lockKeys.absorb, view]);
    if (row?.locked !== true) {
      onWait();
      await tx.rows('SELECT pg_catalog.pg_advisory_xact_lock($1, $2)', [lockKeys.absorb, view]);
    }
    return work();
  }, { lockTimeoutMs: 0, statementTimeoutMs: 0 });
}

async function recompute(
  database: Database, { view, name }: BackfillRequest, { lockTimeoutMs, statementTimeoutMs }: BackfillOptions,
  { range, startedAt, buckets: most, startedMs }: { readonly range: WantedRange; readonly startedAt: string; readonly buckets: number; readonly startedMs: number },
): Promise<Batch> {
  const limits: TransactionLimits = { lockTimeoutMs, statementTimeoutMs, isolation: 'repeatable read' };
  return database.transaction('absorb', async (tx) => {
    const state = await readState(tx, view, name);
    const bucketed = bucketedOf(state, name);
    const [row] = await tx.rows<BackfillRow>(`${backfillRowQuery} FOR UPDATE`, [view]);
    if (row?.startedAt !== startedAt) throw new Error(`Somebody else has ended the backfill of ${name}, or begun another one: nothing is left to do here.`);
    if (await isPaused(tx, view)) throw new Error(paused(name));

    const cuts = (await readCuts(tx, view, state.name, bucketed, { first: row.next, last: range.last }, most + 1)).filter(({ bucket }) => bucket !== row.next);
    const cut = cuts[most - 1];
    const { inserted, updated, deleted } = await replaceRegion(tx, state, state, cut === undefined
      ? { from: row.next, last: range.last, endsBy: range.endsBy } : { from: row.next, before: cut.bucket, endsBy: cut.endsBy });
    const [late] = await tx.rows<{ rows: number }>(takeLateBucketsQuery.replaceAll('::bucket_type', `::${bucketed.bucketType}`), [view, row.next, range.last, cut?.bucket ?? null]);
    const buckets = cut === undefined ? Math.min(most, cuts.length + 1) : most;
    const done: BackfillDone = {
      buckets: row.buckets + buckets, inserted: row.inserted + inserted, updated: row.updated + updated, deleted: row.deleted + deleted, late: row.late + (late?.rows ?? 0),
      next: cut?.bucket ?? null, finished: cut === undefined,
    };
    if (cut === undefined) {
      await tx.rows('DELETE FROM refresh_listener.backfill AS b WHERE b.view = $1', [view]);
      await recordRun(tx, { id: view }, 'backfill', {
        plan: 'rebuild', durationMs: performance.now() - startedMs, stalenessMs: null, sources: [], inserted: done.inserted, updated: done.updated, deleted: done.deleted,
        summary: {
          filling: false, rowsRead: 0, late: 0, closedLate: 0, corrections: done.inserted + done.updated + done.deleted, batches: 1, rowsBehind: 0,
          gaps: countIds(state.gapIds), holders: state.gaps.flatMap((gap) => listHolders(gap.holders)), backlog: null,
        },
      });
    } else {
      await tx.rows(advanceBackfillQuery, [view, cut.bucket, done.buckets, done.inserted, done.updated, done.deleted, done.late]);
    }
    const [waiting] = await tx.rows<{ awaited: boolean }>(awaitedQuery, [view]);
    return { done, buckets, awaited: waiting?.awaited === true };
  }, limits);
}

/** Under the settings that the summary's rows were made with. */
async function readState(tx: Transaction, view: number, name: string): Promise<SummaryState> {
  await pinSettings(tx, view);
  const state = await readSummaryState(tx, view);
  if (state === undefined) throw new UsageError(`${name} was dropped just now`);
  return state;
}

function bucketedOf({ definition, bucketColumn, bucketType }: SummaryState, name: string): Bucketed {
  if (bucketColumn !== null && bucketType !== null) return { definition, bucketColumn, bucketType };
  throw new UsageError(`${name} has no bucket of time, by which a part of it could be recomputed: listener refresh ${name} --force recomputes it whole`);
}

async function isPaused(tx: Transaction, view: number): Promise<boolean> {
  const [row] = await tx.rows<{ paused: boolean }>('SELECT v.paused_at IS NOT NULL AS paused FROM refresh_listener.view AS v WHERE v.id = $1', [view]);
  return row?.paused === true;
}

function paused(name: string): string {
  return `${name} is paused: listener resume ${name}, then call this again`;
}
