-- Which log rows are there that the look before this one did not see: of which sources, and which views have not
-- absorbed them? `snapshot` is the next look's $3. A row is seen once, however late its transaction commits: the rule is
-- that of the cursors.
-- $1: source ids, $2: view ids, $3: snapshot of the look before
WITH fresh AS MATERIALIZED (
  SELECT l.source, l.xid
  FROM refresh_listener.change_log AS l
  WHERE (l.xid >= pg_catalog.pg_snapshot_xmax($3::pg_catalog.pg_snapshot)
         OR l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip($3::pg_catalog.pg_snapshot))))
    AND l.source = ANY ($1::pg_catalog.int4[])
)
SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot,
       coalesce((SELECT pg_catalog.array_agg(DISTINCT f.source) FROM fresh AS f), '{}') AS sources,
       coalesce((SELECT pg_catalog.array_agg(v.id)
                 FROM refresh_listener.view AS v
                 WHERE v.id = ANY ($2::pg_catalog.int4[])
                   AND EXISTS (SELECT FROM fresh AS f
                               JOIN refresh_listener.view_source AS vs ON vs.view = v.id AND vs.source = f.source
                               WHERE (f.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
                                      OR f.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))))), '{}') AS views
