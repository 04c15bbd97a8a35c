-- How do the registered views fare? `served`: a worker's lease has not run out. `waiting`: how long ago the oldest change
-- was made that the view has not absorbed. `usual`: the median of its last ten refreshes. Times in ms.
SELECT v.id, v.oid, v.name,
       EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = v.oid AND c.relkind = CASE v.kind WHEN 'matview' THEN 'm' ELSE 'r' END::pg_catalog."char") AS "exists",
       v.served_until > n.now AS served,
       pg_catalog.date_part('epoch', n.now - v.served_until) * 1000 AS "unservedMs",
       v.last_error AS "lastError", v.consecutive_failures AS failures,
       v.paused_at IS NOT NULL AS paused,
       (SELECT pg_catalog.percentile_disc(0.5) WITHIN GROUP (ORDER BY r.duration_ms)
        FROM (SELECT r.duration_ms FROM refresh_listener.run AS r
              WHERE r.view = v.id AND r.error IS NULL ORDER BY r.started_at DESC LIMIT 10) AS r) AS "usualMs",
       (SELECT pg_catalog.date_part('epoch', n.now - min(l.changed_at)) * 1000
        FROM (
          ((SELECT l.changed_at FROM refresh_listener.change_log AS l
            WHERE l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))
              AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
            LIMIT 1)
           UNION ALL
           (SELECT l.changed_at FROM refresh_listener.change_log AS l
            WHERE l.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
              AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
            ORDER BY l.xid LIMIT 1))
        ) AS l) AS "waitingMs"
FROM refresh_listener.view AS v
CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS n
ORDER BY v.name
