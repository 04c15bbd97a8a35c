-- What does the log hold that each view has not absorbed: how many statements, since when, of which sources? The rule of
-- `stale-views.sql`, with the answer in full. Views that have absorbed everything are left out.
SELECT v.id AS view, l.changes, l.oldest, l.sources
FROM refresh_listener.view AS v
CROSS JOIN LATERAL (
  SELECT count(*) AS changes, min(cl.changed_at) AS oldest, pg_catalog.array_agg(DISTINCT s.name ORDER BY s.name) AS sources
  FROM refresh_listener.change_log AS cl
  JOIN refresh_listener.source AS s ON s.id = cl.source
  WHERE (cl.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
         OR cl.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor))))
    AND cl.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
) AS l
WHERE l.changes > 0
