import { fingerprintAfter, readFingerprints, type Fingerprint } from '../catalog/fingerprint.js';
import type { ServedView } from '../catalog/graph.js';
import type { Database, Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { Absorbed, AbsorbOptions, Skipped } from './absorption.js';
import { isOverdue, isStale, keepFingerprints, moveCursor, readBegin, readLinks, recordRun, tryLock } from './cursor.js';
import { choosePlan, readRefreshTarget, refresh, type RefreshResult, type RefreshTarget } from './refresh.js';

const foreseeFingerprintQuery = loadQuery('foresee-fingerprint');

/**
 * Absorbs a materialized view: one transaction that brings it up to a snapshot, stores that snapshot as its cursor, and records the
 * run. It commits whole or not at all, so a crash anywhere costs a repeat and never a loss.
 *
 * READ COMMITTED: the cursor's snapshot is read first, the refresh that follows sees at least that. What commits in
 * between is refreshed once more. (Under REPEATABLE READ a foreign refresh could slip in after the snapshot.)
 *
 * @throws CursorMoved, and whatever the refresh throws
 */
export async function absorbMatview(database: Database, view: ServedView, options: AbsorbOptions): Promise<Absorbed | Skipped> {
  const limits = { lockTimeoutMs: options.lockTimeoutMs, statementTimeoutMs: options.refreshTimeoutMs };
  return database.transaction(
    'absorb',
    async (tx) => {
      const startedMs = performance.now();
      if (!(await tryLock(tx, view.id))) return { outcome: 'locked' };
      // Before the snapshot, never after it: what the fingerprint has not seen is looked into once too often.
      // Of the links as they are now: what is linked after this leaves the view marked, so that no link stays without one.
      const links = await readLinks(tx, view.id);
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
        outcome: 'absorbed', plan, sources: begin.sources, stalenessMs, durationMs, name: target.name, target,
        inserted: result.inserted, updated: result.updated, deleted: result.deleted,
        changed: changed && asSource !== null,
      };
    },
    limits,
  );
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
}
