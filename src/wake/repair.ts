import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { Database } from '../database/database.js';

/**
 * Which of the served summaries were compared with their source longest ago, and are due again?
 *
 * @param everyMs how often one is to be
 * @returns ids
 */
export async function findDueRepairs(database: Database, graph: ServedGraph, everyMs: (view: ServedView) => number): Promise<number[]> {
  const summaries = [...graph.views.values()].filter(({ kind }) => kind === 'summary');
  if (summaries.length === 0) return [];
  const due = await database.rows<{ id: number }>(
    `SELECT s.view AS id FROM refresh_listener.summary AS s
     JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.float8[])) AS e (view, every_ms) ON e.view = s.view
     WHERE s.repaired_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => e.every_ms / 1000)`,
    [summaries.map(({ id }) => id), summaries.map(everyMs)],
  );
  return due.map(({ id }) => id);
}
