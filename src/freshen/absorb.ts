import type { ServedView } from '../catalog/graph.js';
import type { Database } from '../database/database.js';
import type { Absorbed, AbsorbOptions, Skipped } from './absorption.js';
import { absorbMatview } from './absorb-matview.js';
import { absorbSummary } from './summary/absorb-summary.js';

/**
 * Absorbs a view: brings it up to a snapshot, stores that as its cursor, and records the run.
 *
 * @throws CursorMoved, and whatever the statements throw
 */
export async function absorb(database: Database, view: ServedView, options: AbsorbOptions): Promise<Absorbed | Skipped> {
  return view.kind === 'summary' ? absorbSummary(database, view, options) : absorbMatview(database, view, options);
}
