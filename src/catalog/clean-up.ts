import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { lockKeys } from './lock-key.js';

const pinningViewsQuery = loadQuery('pinning-views');
const resetPinningCursorsQuery = loadQuery('reset-pinning-cursors');
const cleanLogQuery = loadQuery('clean-log');

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
    const deleted = (await database.rows(cleanLogQuery, [rowsPerTransaction])).length;
    rows += deleted;
    if (deleted < rowsPerTransaction) return { rows, reset };
  }
}

/** Prunes the record of runs by age. @returns how many went */
export async function pruneRuns(database: Database, historyMs: number): Promise<number> {
  const gone = await database.rows(
    `DELETE FROM refresh_listener.run
     WHERE started_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000)
     RETURNING id`,
    [historyMs],
  );
  return gone.length;
}
