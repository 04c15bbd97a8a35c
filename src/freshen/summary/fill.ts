import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';
import type { Begin } from '../cursor.js';
import { shapeOf } from './merge.js';
import type { SummaryState } from './summary-state.js';

/** The table that the first fill goes to, batch by batch: a reader of the summary sees no row before all are there. */
export function fillTableOf(view: number): string {
  return `refresh_listener.fill_${view}`;
}

/**
 * Begins a fill, or begins it anew. What is recorded and marked from here on has come while it ran.
 *
 * @param marks of the view, as read before the snapshot
 * @returns the summary's state from here on
 */
export async function beginFill(tx: Transaction, view: number, state: SummaryState, begin: Pick<Begin, 'snapshot'>, marks: number): Promise<SummaryState> {
  if (await isOurs(tx, view)) {
    await tx.rows(`DROP TABLE IF EXISTS ${fillTableOf(view)}`);
    await tx.rows(`CREATE TABLE ${fillTableOf(view)} (LIKE ${state.name} INCLUDING ALL)`);
  } else {
    await tx.rows(`TRUNCATE ${fillTableOf(view)}`);
  }
  await tx.rows('DELETE FROM refresh_listener.gap AS g WHERE g.view = $1', [view]);
  await tx.rows('UPDATE refresh_listener.watermark AS w SET last_id = w.first_id WHERE w.view = $1', [view]);
  await tx.rows('UPDATE refresh_listener.summary AS s SET fill_began_at = pg_catalog.now() WHERE s.view = $1', [view]);
  await tx.rows(
    `UPDATE refresh_listener.view AS v SET cursor = $2::pg_catalog.pg_snapshot, whole_absorbed = greatest(v.whole_absorbed, $3::pg_catalog.int8)
     WHERE v.id = $1`,
    [view, begin.snapshot, marks],
  );
  return { ...state, lastId: state.firstId, gaps: [], gapIds: '{}' };
}

/** Moves all rows over, at once. @returns how many */
export async function finishFill(tx: Transaction, view: number, state: SummaryState): Promise<number> {
  const filled = fillTableOf(view);
  const { keys, values } = shapeOf(state.definition);
  const columns = [...keys, ...values, 'updated_at'].map(quoteIdentifier).join(', ');
  // Whatever stands there was not put there by a fill: it would be counted twice.
  await tx.rows(`DELETE FROM ${state.name}`);
  const [moved] = await tx.rows<{ rows: number }>(
    `WITH moved AS (INSERT INTO ${state.name} (${columns}) SELECT ${columns} FROM ${filled} RETURNING true) SELECT count(*) AS rows FROM moved`,
  );
  await tx.rows(`${(await isOurs(tx, view)) ? 'DROP TABLE' : 'TRUNCATE'} ${filled}`);
  return moved?.rows ?? 0;
}

/** A worker that may create nothing (--no-install) fills the table that came with the summary. */
async function isOurs(tx: Transaction, view: number): Promise<boolean> {
  const [table] = await tx.rows<{ owned: boolean }>(
    `SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1)`,
    [fillTableOf(view)],
  );
  return table?.owned ?? true;
}
