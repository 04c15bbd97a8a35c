-- The last refreshes of a view, the latest first.
-- $1: view id, $2: how many at most
SELECT r.started_at AS "startedAt", r.reason, r.plan, r.duration_ms AS "durationMs", r.staleness_ms AS "stalenessMs",
       r.inserted, r.updated, r.deleted, r.sources, r.sqlstate, r.error,
       r.rows_read AS "rowsRead", r.late, r.closed_late AS "closedLate", r.corrections,
       r.batches, r.gap_ids AS gaps, r.holders, r.rows_behind AS "rowsBehind"
FROM refresh_listener.run AS r
WHERE r.view = $1
ORDER BY r.started_at DESC, r.id DESC
LIMIT $2
