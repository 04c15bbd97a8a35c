-- The cursor to come, the cursor that is, and everything between them. The first statement after the view's advisory
-- lock, and before anything that assigns a transaction id: an own id would count as absorbed.
-- $1: view id
SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot,
       v.cursor::pg_catalog.text AS cursor,
       v.whole_marks > v.whole_absorbed AS whole,
       v.settle_xid::pg_catalog.text AS "settleXid",
       coalesce(v.settle_xid <= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), false) AS settled,
       CASE v.kind WHEN 'summary' THEN m.filled_at IS NOT NULL ELSE c.relispopulated END AS populated,
       v.paused_at IS NOT NULL AS paused,
       pg_catalog.date_part('epoch', v.absorbed_at) * 1000 AS "absorbedAtMs",
       coalesce(l.changes, 0) AS changes,
       coalesce(l.sources, '{}') AS sources,
       coalesce(l.operations, '{}') AS operations,
       pg_catalog.date_part('epoch', l.oldest) * 1000 AS "oldestMs"
-- The summary stands first, as in view-links.sql.
FROM refresh_listener.summary AS m
RIGHT JOIN refresh_listener.view AS v ON v.id = m.view
JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
LEFT JOIN LATERAL (
  SELECT count(*) AS changes, pg_catalog.array_agg(DISTINCT s.name) AS sources, min(cl.changed_at) AS oldest,
         pg_catalog.array_agg(DISTINCT cl.operation::pg_catalog.text) AS operations
  FROM refresh_listener.change_log AS cl
  JOIN refresh_listener.view_source AS vs ON vs.view = v.id AND vs.source = cl.source
  JOIN refresh_listener.source AS s ON s.id = cl.source
  WHERE (cl.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
         OR cl.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor))))
) AS l ON true
WHERE v.id = $1
