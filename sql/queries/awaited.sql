-- Is there a worker that serves this view, and something that it has to absorb? The rule of `stale-views.sql`.
-- $1: view id
SELECT v.served_until > pg_catalog.clock_timestamp()
       AND EXISTS (SELECT FROM refresh_listener.change_log AS cl
                   WHERE (cl.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
                          OR cl.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor))))
                     AND cl.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))) AS awaited
FROM refresh_listener.view AS v WHERE v.id = $1
