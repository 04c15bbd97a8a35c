import type { Fingerprint } from '../catalog/fingerprint.js';
import type { ServedView } from '../catalog/graph.js';
import { lockKeys } from '../catalog/lock-key.js';
import { redactUrls } from '../config/redact-url.js';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { Absorbed, AbsorbReason } from './absorption.js';

const viewLinksQuery = loadQuery('view-links');
const absorbBeginQuery = loadQuery('absorb-begin');
const absorbEndQuery = loadQuery('absorb-end');
const keepFingerprintsQuery = loadQuery('keep-fingerprints');
const recordRunQuery = loadQuery('record-run');

/** Somebody else moved the cursor meanwhile; everything was rolled back. Look again. */
export class CursorMoved extends Error {
  override readonly name = 'CursorMoved';
  readonly code = '40001';
}

/** The row of `view-links.sql`. */
export interface Links {
  readonly wholeMarks: number;
  readonly sources: readonly number[];
}

/** The row of `absorb-begin.sql`. Snapshots and xid8 are texts. */
export interface Begin {
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
  /** What was done to them: `I`, `U`, `D` or `T`, each once. */
  readonly operations: readonly string[];
  readonly oldestMs: number | null;
}

/** Is the view stale? The one rule; `stale-views.sql` asks it of many views at once. Pure. */
export function isStale(state: Pick<Begin, 'whole' | 'settled' | 'populated' | 'changes'>): boolean {
  return state.whole || state.settled || !state.populated || state.changes > 0;
}

/** Should the view be absorbed although nothing is known to have changed? Pure. */
export function isOverdue({ absorbedAtMs }: Pick<Begin, 'absorbedAtMs'>, overdueSince: number | undefined): boolean {
  return overdueSince !== undefined && (absorbedAtMs ?? -Infinity) < overdueSince;
}

/** Takes the view's lock until the transaction ends. @returns false when somebody else has it */
export async function tryLock(tx: Transaction, view: number): Promise<boolean> {
  const [row] = await tx.rows<{ locked: boolean }>(
    'SELECT pg_catalog.pg_try_advisory_xact_lock($1, $2) AS locked', [lockKeys.absorb, view],
  );
  return row?.locked === true;
}

/** Undefined when the view is gone. */
export async function readLinks(tx: Transaction, view: number): Promise<Links | undefined> {
  const [links] = await tx.rows<Links>(viewLinksQuery, [view]);
  return links;
}

/**
 * Of a view that is marked whole nobody knows what changed, nor since when: the log may hold a part of it, and holds the rows
 * that the triggers' own creation wrote. Naming these would pass for an answer.
 */
export async function readBegin(tx: Transaction, view: ServedView): Promise<Begin | undefined> {
  const [begin] = await tx.rows<Begin>(absorbBeginQuery, [view.id]);
  return begin?.whole === true ? { ...begin, sources: [], oldestMs: null } : begin;
}

export async function keepFingerprints(tx: Transaction, view: number, fingerprints: ReadonlyMap<number, Fingerprint>): Promise<void> {
  await tx.rows(keepFingerprintsQuery, [
    view, [...fingerprints.keys()], [...fingerprints.values()].map((fingerprint) => JSON.stringify(fingerprint)),
  ]);
}

/** @returns the staleness in ms, by the server's clock */
export async function moveCursor(tx: Transaction, view: ServedView, begin: Begin, links: Pick<Links, 'wholeMarks'>, durationMs: number): Promise<number | null> {
  const [moved] = await tx.rows<{ stalenessMs: number | null }>(absorbEndQuery, [
    view.id, begin.cursor, begin.snapshot, links.wholeMarks, begin.settled ? begin.settleXid : null, durationMs, begin.oldestMs,
  ]);
  if (moved === undefined) throw new CursorMoved(`The cursor of ${view.name} was moved by somebody else meanwhile.`);
  return moved.stalenessMs;
}

/** A run that succeeded, as it is recorded. */
export type Run = Pick<Absorbed, 'plan' | 'durationMs' | 'stalenessMs' | 'sources' | 'inserted' | 'updated' | 'deleted' | 'summary'>;

/**
 * Records a run that succeeded, and has the server count what it wrote as it commits, not up to ten seconds later: dead rows, and what the
 * sweep would take for a change that no trigger saw.
 */
export async function recordRun(tx: Transaction, view: Pick<ServedView, 'id'>, reason: AbsorbReason, run: Run): Promise<void> {
  const { summary } = run;
  await tx.rows(recordRunQuery, [
    view.id, run.plan, reason, run.durationMs, run.inserted, run.updated, run.deleted, run.stalenessMs, run.sources, null, null,
    summary?.rowsRead ?? null, summary?.late ?? null, summary?.closedLate ?? null, summary?.corrections ?? null,
    summary?.batches ?? null, summary?.gaps ?? null, summary === undefined ? null : JSON.stringify(summary.holders), summary?.rowsBehind ?? null,
  ]);
  await tx.rows('SELECT pg_catalog.pg_stat_force_next_flush()');
}

/**
 * Records that an absorb failed, in a transaction of its own, for the first was rolled back. Roles that know no password may
 * read the record: what a view's own functions say of a connection is kept out of it.
 */
export async function recordFailure(
  database: Database, view: ServedView, reason: AbsorbReason,
  failure: { readonly durationMs: number; readonly sqlstate: string | null; readonly message: string },
): Promise<void> {
  const message = redactUrls(failure.message);
  await database.transaction('look', async (tx) => {
    await tx.rows(
      `UPDATE refresh_listener.view SET last_error = $2, consecutive_failures = consecutive_failures + 1 WHERE id = $1`,
      [view.id, message],
    );
    await tx.rows(recordRunQuery, [
      view.id, null, reason, failure.durationMs, null, null, null, null, [], failure.sqlstate, message,
      ...Array.from({ length: 8 }, () => null),
    ]);
  });
}
