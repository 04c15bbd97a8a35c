import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** What the worker wrote of one view's refreshes into `refresh_listener.run`: the same numbers as in its log. */
export interface ViewRecord {
  /** Its quoted name. */
  readonly view: string;
  readonly kind: 'matview' | 'summary';
  readonly concurrent: number;
  readonly plain: number;
  /** Of a summary: absorbs that added new rows, and those that compared it with its source. */
  readonly merges: number;
  readonly rebuilds: number;
  readonly failed: number;
  /** From the oldest change that a refresh absorbed to its being visible, in ms; null when there was no change. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
  /** When the first refresh was done, and the first one that a change had caused, in ms since 1970. */
  readonly firstAt: number | null;
  readonly firstChangeAt: number | null;
}

export async function readRecord(client: pg.ClientBase): Promise<ViewRecord[]> {
  const { rows } = await client.query<ViewRecord>(`
    SELECT v.name AS view, v.kind,
           (count(*) FILTER (WHERE r.plan = 'concurrent'))::int AS concurrent,
           (count(*) FILTER (WHERE r.plan = 'plain'))::int AS plain,
           (count(*) FILTER (WHERE r.plan = 'merge'))::int AS merges,
           (count(*) FILTER (WHERE r.plan = 'rebuild'))::int AS rebuilds,
           (count(*) FILTER (WHERE r.error IS NOT NULL))::int AS failed,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY r.staleness_ms) AS p50,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY r.staleness_ms) AS p95,
           max(r.staleness_ms) AS max,
           min(e.ended_ms) FILTER (WHERE r.error IS NULL) AS "firstAt",
           min(e.ended_ms) FILTER (WHERE r.error IS NULL AND r.reason = 'change') AS "firstChangeAt"
    FROM refresh_listener.view AS v
    LEFT JOIN refresh_listener.run AS r ON r.view = v.id
    LEFT JOIN LATERAL (SELECT date_part('epoch', r.started_at) * 1000 + r.duration_ms AS ended_ms) AS e ON true
    GROUP BY v.id ORDER BY v.id`);
  return rows;
}

/**
 * Resolves when the worker serves that many views and each has absorbed all that is committed.
 * @throws when that is not so within `limitMs`
 */
export async function caughtUp(client: pg.ClientBase, views: number, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  for (;;) {
    const fresh = await freshViews(client);
    if (fresh === views) return;
    if (performance.now() > until) throw new Error(`After ${limitMs / 1000}s, ${fresh} of ${views} views were fresh: the worker did not catch up`);
    await sleep(50);
  }
}

/** How many views are served whose cursor has absorbed every row of the change log. */
async function freshViews(client: pg.ClientBase): Promise<number> {
  const { rows: [schema] } = await client.query<{ ours: boolean }>(
    `SELECT to_regclass('refresh_listener.view') IS NOT NULL AND has_schema_privilege('refresh_listener', 'USAGE') AS ours`,
  );
  if (schema?.ours !== true) return 0;
  const { rows: [views] } = await client.query<{ fresh: number }>(`
    SELECT count(*)::int AS fresh FROM refresh_listener.view AS v
    WHERE v.whole_marks = v.whole_absorbed
      AND NOT EXISTS (SELECT FROM refresh_listener.summary AS s WHERE s.view = v.id AND s.filled_at IS NULL)
      AND NOT EXISTS (SELECT FROM refresh_listener.change_log AS l
                      JOIN refresh_listener.view_source AS vs ON vs.view = v.id AND vs.source = l.source
                      WHERE NOT pg_visible_in_snapshot(l.xid, v.cursor))`);
  return views?.fresh ?? 0;
}
