import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const staleViewsQuery = loadQuery('stale-views');

/** A view that was found stale without a ring. */
export interface StaleView {
  readonly id: number;
  /** Marked, settled or not populated: nothing that a debounce is waiting for. */
  readonly whole: boolean;
  /** To be left alone until it is resumed. */
  readonly paused: boolean;
}

/** The row of `stale-views.sql`. */
interface Staleness {
  readonly id: number;
  readonly whole: boolean;
  readonly settled: boolean;
  readonly populated: boolean;
  readonly paused: boolean;
  readonly logged: boolean;
}

/** Which of these views are stale? One query, whatever their number. */
export async function findStaleViews(database: Database, views: readonly number[]): Promise<StaleView[]> {
  const states = await database.rows<Staleness>(staleViewsQuery, [views]);
  return states.flatMap(({ id, whole, settled, populated, paused, logged }) => {
    const isWhole = whole || settled || !populated;
    return isWhole || logged ? [{ id, whole: isWhole, paused }] : [];
  });
}
