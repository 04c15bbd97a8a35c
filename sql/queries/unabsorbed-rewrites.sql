-- Which statements has a summary not absorbed that were no INSERT: how many, on which sources? An INSERT is beyond its
-- watermark, or in a gap; everything else may have changed what is below. The rule of `stale-views.sql`.
-- $1: view id
SELECT count(*) AS changes, coalesce(pg_catalog.array_agg(DISTINCT s.name ORDER BY s.name), '{}') AS sources
FROM refresh_listener.view AS v
JOIN refresh_listener.view_source AS vs ON vs.view = v.id
JOIN refresh_listener.source AS s ON s.id = vs.source
JOIN refresh_listener.change_log AS cl ON cl.source = s.id
WHERE v.id = $1 AND cl.operation <> 'I'
  AND (cl.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
       OR cl.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor))))
