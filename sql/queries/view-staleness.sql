-- Since when are these views stale? One row a view that is there. Times in ms since 1970 by the server's clock.
--   cursor    differs once the view has been absorbed
--   filling   a summary that was never whole yet
--   doubtful  it is stale and nobody knows since when: marked, settled, or without data
--   oldestMs  when the first change was made, by transaction, that it has not absorbed: two probes of an index, however much
--             there is in the log
-- $1: view ids
SELECT v.id, v.cursor::pg_catalog.text AS cursor,
       v.paused_at IS NOT NULL AS paused,
       v.kind = 'summary' AND m.filled_at IS NULL AS filling,
       v.whole_marks > v.whole_absorbed
         OR coalesce(v.settle_xid <= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), false)
         OR NOT c.relispopulated AS doubtful,
       (SELECT pg_catalog.date_part('epoch', min(l.changed_at)) * 1000
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
        ) AS l) AS "oldestMs",
       pg_catalog.date_part('epoch', v.absorbed_at) * 1000 AS "absorbedAtMs",
       v.last_duration_ms AS "lastDurationMs",
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 AS "nowMs"
-- The summary stands first, as in view-links.sql.
FROM refresh_listener.summary AS m
RIGHT JOIN refresh_listener.view AS v ON v.id = m.view
JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
WHERE v.id = ANY ($1::pg_catalog.int4[])
