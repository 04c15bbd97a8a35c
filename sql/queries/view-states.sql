-- What do we know of every registered view, without looking at the change log? A standby can answer this too (the log is
-- unlogged, and cannot be read there).
--   whole      marked: the cursor proves nothing
--   settled    the transactions that may have gone unlogged have all ended
--   lapsed     a log register lies in the past (no worker was seen for long): writers no longer record changes
--   targetMs   how long it may be stale, as a worker that serves it has said
--   upstream   ids of the registered views that it reads
-- The last refresh is the last that succeeded, the failure the last that did not.
SELECT v.id, v.oid, v.kind,
       CASE WHEN c.oid IS NULL THEN v.name ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END AS name,
       c.oid IS NOT NULL AS "exists", coalesce(c.relispopulated, false)
         AND (v.kind = 'matview' OR EXISTS (SELECT FROM refresh_listener.summary AS f WHERE f.view = v.id AND f.filled_at IS NOT NULL)) AS populated,
       v.whole_marks > v.whole_absorbed AS whole,
       coalesce(v.settle_xid <= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), false) AS settled,
       l.sources, l.upstream, l.lapsed,
       v.served_until AS "servedUntil", v.served_until > pg_catalog.clock_timestamp() AS served,
       v.paused_at AS "pausedAt", v.target_ms AS "targetMs",
       v.last_success AS "lastSuccess", v.last_duration_ms AS "lastDurationMs", done.plan AS "lastPlan", done.reason AS "lastReason",
       v.last_error AS "lastError", v.consecutive_failures AS failures, failed.sqlstate AS "lastSqlstate",
       failed.started_at AS "lastErrorAt"
FROM refresh_listener.view AS v
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = v.oid AND c.relkind = CASE v.kind WHEN 'matview' THEN 'm' ELSE 'r' END::pg_catalog."char"
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT count(*) AS sources,
         coalesce(pg_catalog.array_agg(u.id ORDER BY u.id) FILTER (WHERE u.id IS NOT NULL), '{}') AS upstream,
         -- Asked only where the role may: else reading the sequence is an error.
         coalesce(bool_or(CASE WHEN pg_catalog.has_sequence_privilege(r.log, 'SELECT')
                               THEN pg_catalog.pg_sequence_last_value(r.log)
                                      <= pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 END), false) AS lapsed
  FROM refresh_listener.view_source AS vs
  JOIN refresh_listener.source AS s ON s.id = vs.source
  LEFT JOIN refresh_listener.view AS u ON u.oid = s.oid
  CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass('refresh_listener.log_' || s.id) AS log) AS r
  WHERE vs.view = v.id
) AS l
LEFT JOIN LATERAL (
  SELECT r.plan, r.reason FROM refresh_listener.run AS r
  WHERE r.view = v.id AND r.error IS NULL ORDER BY r.started_at DESC LIMIT 1
) AS done ON true
LEFT JOIN LATERAL (
  SELECT r.sqlstate, r.started_at FROM refresh_listener.run AS r
  WHERE r.view = v.id AND r.error IS NOT NULL AND v.consecutive_failures > 0 ORDER BY r.started_at DESC LIMIT 1
) AS failed ON true
ORDER BY name
