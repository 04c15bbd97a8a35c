-- Which of these views are stale, and why? The one rule, for all of them in one query.
--   whole      marked: the cursor proves nothing
--   settled    the transactions that may have gone unlogged have all ended
--   populated  false: it was created or refreshed WITH NO DATA
--   paused     somebody wants it left alone, stale or not
--   logged     the log holds a row of one of its sources that the cursor has not absorbed
-- $1: view ids
SELECT v.id, v.whole_marks > v.whole_absorbed AS whole,
       coalesce(v.settle_xid <= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), false) AS settled,
       CASE v.kind WHEN 'summary' THEN m.filled_at IS NOT NULL ELSE c.relispopulated END AS populated,
       v.paused_at IS NOT NULL AS paused,
       l.logged IS NOT NULL AS logged
-- The summary stands first, as in view-links.sql.
FROM refresh_listener.summary AS m
RIGHT JOIN refresh_listener.view AS v ON v.id = m.view
JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
LEFT JOIN LATERAL (
  -- Of transactions that the cursor saw running, and of later ones the first by xid: the index leads to both, however much
  -- lies between the oldest running transaction and now. (EXISTS would be planned as a join over the whole log.)
  SELECT true AS logged
  FROM (
    ((SELECT l.xid FROM refresh_listener.change_log AS l
      WHERE l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))
        AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
      LIMIT 1)
     UNION ALL
     (SELECT l.xid FROM refresh_listener.change_log AS l
      WHERE l.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
        AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
      ORDER BY l.xid LIMIT 1))
  ) AS l
  LIMIT 1
) AS l ON true
WHERE v.id = ANY ($1::pg_catalog.int4[])
