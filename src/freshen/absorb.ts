import { fingerprintAfter, readFingerprints, type Fingerprint } from '../catalog/fingerprint.js';
import type { ServedView } from '../catalog/graph.js';
import { lockKeys } from '../catalog/lock-key.js';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { choosePlan, readRefreshTarget, refresh, type RefreshPlan, type RefreshResult, type RefreshTarget } from './refresh.js';

const viewLinksQuery = loadQuery('view-links');
const absorbBeginQuery = loadQuery('absorb-begin');
const absorbEndQuery = loadQuery('absorb-end');
const keepFingerprintsQuery = loadQuery('keep-fingerprints');
const foreseeFingerprintQuery = loadQuery('foresee-fingerprint');
const recordRunQuery = loadQuery('record-run');

/** Why a view is absorbed. */
export type AbsorbReason = 'change' | 'sweep' | 'start' | 'upstream' | 'schedule' | 'manual';

/** What one absorb did. */
export interface Absorbed {
  readonly outcome: 'absorbed';
  readonly plan: RefreshPlan;
  /** Names of the sources that had log rows. */
  readonly sources: readonly string[];
  /** From the oldest change absorbed to the commit that shows it, by the server's clock; null when no log row told. */
  readonly stalenessMs: number | null;
  readonly durationMs: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Whether views that read this one have become stale. */
  readonly changed: boolean;
  /** The view, as it was before: for the advice on a plain refresh. */
  readonly target: RefreshTarget;
}

/** Nothing was done: the view is fresh already, or paused, another worker is absorbing it right now, or it is no longer there. */
export interface Skipped {
  readonly outcome: 'fresh' | 'paused' | 'locked' | 'gone';
}

/** Somebody else moved the cursor meanwhile; everything was rolled back. Look again. */
export class CursorMoved extends Error {
  override readonly name = 'CursorMoved';
  readonly code = '40001';
}

/** The row of `view-links.sql`. */
interface Links {
  readonly wholeMarks: number;
  readonly sources: readonly number[];
}

/** The row of `absorb-begin.sql`. Snapshots and xid8 are texts. */
interface Begin {
  readonly snapshot: string;
  readonly cursor: string;
  readonly whole: boolean;
  readonly settleXid: string | null;
  readonly settled: boolean;
  readonly populated: boolean;
  readonly paused: boolean;
  /** When the transaction of the last absorb began, in ms since 1970 by the server's clock; null when there was none. */
  readonly absorbedAtMs: number | null;
  readonly changes: number;
  readonly sources: readonly string[];
  readonly oldestMs: number | null;
}

export interface AbsorbOptions {
  readonly reason: AbsorbReason;
  readonly lockTimeoutMs: number;
  /** 0: none. Always stated, so that a provider's default does not kill a refresh. */
  readonly refreshTimeoutMs: number;
  /** Absorb also when nothing is known to have changed, if the last absorb began before this, in ms since 1970 by the server's clock. */
  readonly overdueSince?: number | undefined;
  /** Absorb also when the view is paused. Default: false. */
  readonly evenPaused?: boolean;
  /** Told which backend works, once it begins to: for whoever must cancel it. */
  readonly onWorking?: (work: { readonly transaction: Transaction; readonly plan: RefreshPlan }) => void;
}

/** Is the view stale? The one rule; `stale-views.sql` asks it of many views at once. Pure. */
export function isStale(state: Pick<Begin, 'whole' | 'settled' | 'populated' | 'changes'>): boolean {
  return state.whole || state.settled || !state.populated || state.changes > 0;
}

/** Should the view be absorbed although nothing is known to have changed? Pure. */
export function isOverdue({ absorbedAtMs }: Pick<Begin, 'absorbedAtMs'>, overdueSince: number | undefined): boolean {
  return overdueSince !== undefined && (absorbedAtMs ?? -Infinity) < overdueSince;
}

/**
 * Absorbs: one transaction that brings a view up to a snapshot, stores that snapshot as its cursor, and records the
 * run. It commits whole or not at all, so a crash anywhere costs a repeat and never a loss.
 *
 * READ COMMITTED: the cursor's snapshot is read first, the refresh that follows sees at least that. What commits in
 * between is refreshed once more. (Under REPEATABLE READ a foreign refresh could slip in after the snapshot.)
 *
 * @throws CursorMoved, and whatever the refresh throws
 */
export async function absorb(database: Database, view: ServedView, options: AbsorbOptions): Promise<Absorbed | Skipped> {
  const limits = { lockTimeoutMs: options.lockTimeoutMs, statementTimeoutMs: options.refreshTimeoutMs };
  return database.transaction(
    'absorb',
    async (tx) => {
      const startedMs = performance.now();
      if (!(await tryLock(tx, view.id))) return { outcome: 'locked' };
      // Before the snapshot, never after it: what the fingerprint has not seen is looked into once too often.
      // Of the links as they are now: what is linked after this leaves the view marked, so that no link stays without one.
      const [links] = await tx.rows<Links>(viewLinksQuery, [view.id]);
      if (links === undefined) return { outcome: 'gone' };
      const fingerprints = await readFingerprints(tx, links.sources);
      const begin = await readBegin(tx, view);
      if (begin === undefined) return { outcome: 'gone' };
      if (begin.paused && options.evenPaused !== true) return { outcome: 'paused' };
      if (!isStale(begin) && !isOverdue(begin, options.overdueSince)) return { outcome: 'fresh' };
      const target = await readRefreshTarget(tx, view.oid);
      if (target === undefined) return { outcome: 'gone' };
      const plan = choosePlan(target);
      options.onWorking?.({ transaction: tx, plan });

      const wasSource = await readAsSource(tx, view.oid);
      const own = wasSource === null ? undefined : await readOwnFingerprint(tx, wasSource, target);
      const result = await refresh(tx, view.oid, target, wasSource !== null);
      const asSource = await readAsSource(tx, view.oid);
      // Read by nobody when it began, and so not compared: whoever reads it now must look into it.
      const changed = result.changed || wasSource === null;
      if (asSource !== null) await tellDependents(tx, asSource, { ...result, changed }, own, begin.oldestMs);
      await keepFingerprints(tx, view.id, fingerprints);
      const durationMs = performance.now() - startedMs;
      const stalenessMs = await moveCursor(tx, view, begin, links, durationMs);
      await recordRun(tx, view, options.reason, { plan, durationMs, stalenessMs, sources: begin.sources, ...result });
      return {
        outcome: 'absorbed', plan, sources: begin.sources, stalenessMs, durationMs, target,
        inserted: result.inserted, updated: result.updated, deleted: result.deleted,
        changed: changed && asSource !== null,
      };
    },
    limits,
  );
}

async function tryLock(tx: Transaction, view: number): Promise<boolean> {
  const [row] = await tx.rows<{ locked: boolean }>(
    'SELECT pg_catalog.pg_try_advisory_xact_lock($1, $2) AS locked', [lockKeys.absorb, view],
  );
  return row?.locked === true;
}

/**
 * Of a view that is marked whole nobody knows what changed, nor since when: the log may hold a part of it, and holds the rows
 * that the triggers' own creation wrote. Naming these would pass for an answer.
 */
async function readBegin(tx: Transaction, view: ServedView): Promise<Begin | undefined> {
  const [begin] = await tx.rows<Begin>(absorbBeginQuery, [view.id]);
  return begin?.whole === true ? { ...begin, sources: [], oldestMs: null } : begin;
}

/**
 * What the view itself looks like before its refresh. Read under a lock that keeps other plain refreshes out until we
 * commit: one that empties the view moves nothing but its file, and would be taken for ours.
 */
async function readOwnFingerprint(
  tx: Transaction, source: number, target: RefreshTarget,
): Promise<Fingerprint | undefined> {
  if (target.populated) await tx.rows(`SELECT FROM ${target.name} LIMIT 0`);
  return (await readFingerprints(tx, [source])).get(source);
}

/** The view's id as a source, when other views read it. */
async function readAsSource(tx: Transaction, oid: number): Promise<number | null> {
  const [source] = await tx.rows<{ id: number }>(
    `SELECT s.id FROM refresh_listener.source AS s
     WHERE s.oid = $1 AND EXISTS (SELECT FROM refresh_listener.view_source AS vs WHERE vs.source = s.id)`,
    [oid],
  );
  return source?.id ?? null;
}

/**
 * A refresh that changed rows is a change of the view as a source: its log row, in the same transaction, makes the
 * views over it stale by the one rule. One that changed nothing is foreseen in their fingerprints, so that the sweep
 * does not take it for a change that went unseen.
 */
async function tellDependents(
  tx: Transaction, source: number, result: RefreshResult, before: Fingerprint | undefined, oldestMs: number | null,
): Promise<void> {
  if (result.changed) {
    // Staleness counts from the change of the first table, through however many views.
    await tx.rows(
      `INSERT INTO refresh_listener.change_log (source, operation, changed_at)
       VALUES ($1, 'T', coalesce(pg_catalog.to_timestamp($2::pg_catalog.float8 / 1000), pg_catalog.clock_timestamp()))`,
      [source, oldestMs],
    );
    await tx.rows(`SELECT pg_catalog.pg_notify('refresh_listener', $1)`, [String(source)]);
  } else if (before !== undefined) {
    await tx.rows(foreseeFingerprintQuery, [source, JSON.stringify(before), JSON.stringify(fingerprintAfter(before, result.written))]);
  }
  await tx.rows('SELECT pg_catalog.pg_stat_force_next_flush()');
}

async function keepFingerprints(tx: Transaction, view: number, fingerprints: ReadonlyMap<number, Fingerprint>): Promise<void> {
  await tx.rows(keepFingerprintsQuery, [
    view, [...fingerprints.keys()], [...fingerprints.values()].map((fingerprint) => JSON.stringify(fingerprint)),
  ]);
}

/** @returns the staleness in ms, by the server's clock */
async function moveCursor(tx: Transaction, view: ServedView, begin: Begin, links: Links, durationMs: number): Promise<number | null> {
  const [moved] = await tx.rows<{ stalenessMs: number | null }>(absorbEndQuery, [
    view.id, begin.cursor, begin.snapshot, links.wholeMarks, begin.settled ? begin.settleXid : null, durationMs, begin.oldestMs,
  ]);
  if (moved === undefined) throw new CursorMoved(`The cursor of ${view.name} was moved by somebody else meanwhile.`);
  return moved.stalenessMs;
}

async function recordRun(
  tx: Transaction, view: ServedView, reason: AbsorbReason,
  run: Pick<RefreshResult, 'inserted' | 'updated' | 'deleted'> & Pick<Absorbed, 'plan' | 'durationMs' | 'stalenessMs' | 'sources'>,
): Promise<void> {
  await tx.rows(recordRunQuery, [
    view.id, run.plan, reason, run.durationMs, run.inserted, run.updated, run.deleted, run.stalenessMs, run.sources, null, null,
  ]);
}

/** Records that an absorb failed, in a transaction of its own, for the first was rolled back. */
export async function recordFailure(
  database: Database, view: ServedView, reason: AbsorbReason,
  failure: { readonly durationMs: number; readonly sqlstate: string | null; readonly message: string },
): Promise<void> {
  await database.transaction('look', async (tx) => {
    await tx.rows(
      `UPDATE refresh_listener.view SET last_error = $2, consecutive_failures = consecutive_failures + 1 WHERE id = $1`,
      [view.id, failure.message],
    );
    await tx.rows(recordRunQuery, [
      view.id, null, reason, failure.durationMs, null, null, null, null, [], failure.sqlstate, failure.message,
    ]);
  });
}
