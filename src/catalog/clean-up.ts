import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { lockKeys } from './lock-key.js';

const pinningViewsQuery = loadQuery('pinning-views');
const resetPinningCursorsQuery = loadQuery('reset-pinning-cursors');
const cleanLogQuery = loadQuery('clean-log');
const pruneRunsQuery = loadQuery('prune-runs');

const rowsPerTransaction = 10_000;

/**
 * Deletes the log rows that every cursor has absorbed. Views that have not absorbed a row for longer than the lapse
 * (they fail, or nobody serves them) no longer pin it: they will be absorbed whole.
 *
 * @returns how many rows went, and how many views were reset
 */
export async function cleanLog(database: Database, lapseMs: number): Promise<{ readonly rows: number; readonly reset: number }> {
  const reset = await database.transaction('look', async (tx) => {
    const pinning = await tx.rows<{ id: number }>(pinningViewsQuery, [lapseMs, lockKeys.absorb]);
    if (pinning.length > 0) await tx.rows(resetPinningCursorsQuery, [pinning.map((view) => view.id)]);
    return pinning.length;
  });
  let rows = 0;
  for (;;) {
    const deleted = await deleteRows(database, cleanLogQuery, [rowsPerTransaction]);
    rows += deleted;
    if (deleted < rowsPerTransaction) return { rows, reset };
  }
}

/** Prunes the record of runs by age: a shorter --history may have much to prune. @returns how many went */
export async function pruneRuns(database: Database, historyMs: number): Promise<number> {
  let rows = 0;
  for (;;) {
    const deleted = await deleteRows(database, pruneRunsQuery, [historyMs, rowsPerTransaction]);
    rows += deleted;
    if (deleted < rowsPerTransaction) return rows;
  }
}

/** Whoever vacuums by the count of dead rows must know of them now: sessions report it up to ten seconds late. */
async function deleteRows(database: Database, query: string, parameters: readonly unknown[]): Promise<number> {
  return database.transaction('look', async (tx) => {
    const deleted = (await tx.rows(query, parameters)).length;
    if (deleted > 0) await tx.rows('SELECT pg_catalog.pg_stat_force_next_flush()');
    return deleted;
  });
}
