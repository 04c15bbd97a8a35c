import { lockKeys } from '../catalog/lock-key.js';
import { formatDuration } from '../config/duration.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const missCausesQuery = loadQuery('miss-causes');

/** The row of `miss-causes.sql`. */
export interface MissCause {
  readonly id: number;
  readonly error: string | null;
  readonly runningMs: number | null;
  /** All but the pid are null where the role may not know them. */
  readonly holder: { readonly pid: number; readonly application: string | null; readonly state: string | null; readonly sinceMs: number | null } | null;
}

/** What is known of why views are late, by id. */
export async function readMissCauses(database: Database, views: readonly number[]): Promise<Map<number, MissCause>> {
  const rows = await database.rows<MissCause>(missCausesQuery, [views, lockKeys.absorb]);
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Why is a view late, in clauses to follow a colon? Null: nobody knows. Pure.
 *
 * @param through the view that it waits for, if its staleness comes from there
 * @param targetMs a refresh that has been running for less than half of it is not what made the view late
 */
export function missBecause(cause: MissCause | undefined, through: string | undefined, targetMs: number): string | null {
  const { error = null, runningMs = null, holder = null } = cause ?? {};
  const clauses = [
    ...(through === undefined ? [] : [`it waits for ${through}`]),
    ...(error === null ? [] : [`its refreshes fail (${error.replace(/\s+/g, ' ').trim().replace(/\.$/, '')})`]),
    ...(runningMs === null || runningMs < targetMs / 2 ? [] : [`a refresh has been running for ${formatDuration(runningMs)}`]),
    ...(holder === null ? [] : [holderText(holder)]),
  ];
  return clauses.length === 0 ? null : clauses.join('; ');
}

function holderText({ pid, application, state, sinceMs }: NonNullable<MissCause['holder']>): string {
  const facts = [application === '' ? null : application, state, sinceMs === null ? null : `for ${formatDuration(sinceMs)}`].filter((fact) => fact !== null);
  return `process ${pid}${facts.length === 0 ? '' : ` (${facts.join(', ')})`} has a lock in its way`;
}
