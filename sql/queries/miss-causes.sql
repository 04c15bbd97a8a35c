-- Why do these views miss their targets? As far as this role may know: of other roles' sessions only the pid is told.
--   error      of the last refresh, if it failed
--   runningMs  for how long a refresh of it has been running; null: none is
--   holder     the oldest session that stands in the way of a refresh: it blocks the one that is running, or has a lock on the view
--              or on what it reads. Readers alone are in nobody's way, unless the last refresh gave up waiting for a lock
-- $1: view ids, $2: first key of the advisory lock of an absorb
SELECT v.id, CASE WHEN v.consecutive_failures > 0 THEN v.last_error END AS error,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - running.since) * 1000 AS "runningMs",
       (SELECT pg_catalog.jsonb_build_object('pid', a.pid, 'application', a.application_name, 'state', a.state,
                 'sinceMs', pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000)
        FROM pg_catalog.pg_stat_activity AS a
        WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IS DISTINCT FROM running.pid
          AND (a.pid = ANY (pg_catalog.pg_blocking_pids(running.pid))
               OR EXISTS (SELECT FROM pg_catalog.pg_locks AS h
                          WHERE h.pid = a.pid AND h.granted AND h.locktype = 'relation'
                            AND h.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
                            AND ((h.relation = v.oid AND (h.mode <> 'AccessShareLock' OR failed.sqlstate = '55P03'))
                                 OR (h.mode = 'AccessExclusiveLock'
                                     AND h.relation IN (SELECT s.oid FROM refresh_listener.view_source AS vs
                                                        JOIN refresh_listener.source AS s ON s.id = vs.source WHERE vs.view = v.id)))))
        ORDER BY a.xact_start LIMIT 1) AS holder
FROM refresh_listener.view AS v
LEFT JOIN LATERAL (
  SELECT l.pid, a.xact_start AS since
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.objid = v.id::pg_catalog.oid
    AND l.classid = $2::pg_catalog.int4::pg_catalog.oid
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  LIMIT 1
) AS running ON true
LEFT JOIN LATERAL (
  SELECT r.sqlstate FROM refresh_listener.run AS r
  WHERE r.view = v.id AND r.error IS NOT NULL AND v.consecutive_failures > 0 ORDER BY r.started_at DESC LIMIT 1
) AS failed ON true
WHERE v.id = ANY ($1::pg_catalog.int4[])
