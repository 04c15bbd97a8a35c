-- Deletes log rows that every cursor has absorbed, at most $1 of them: those from before the least cursor of their source,
-- or, where no view reads it, from before any transaction that still runs. (Rows beyond that which all have absorbed too go
-- when that transaction has ended: until then a vacuum could not clear them anyway.)
-- Cursors only move forward, or are reset under their view's lock with the view marked whole: what this statement's
-- snapshot shows of them is never too new.
WITH bound AS MATERIALIZED (
  SELECT vs.source, min(pg_catalog.pg_snapshot_xmin(v.cursor)) AS xmin
  FROM refresh_listener.view_source AS vs
  JOIN refresh_listener.view AS v ON v.id = vs.view
  GROUP BY vs.source
)
DELETE FROM refresh_listener.change_log AS gone
WHERE gone.ctid = ANY (ARRAY(
  SELECT l.ctid
  FROM refresh_listener.change_log AS l
  LEFT JOIN bound AS b ON b.source = l.source
  WHERE l.source <> 0
    AND l.xid < coalesce(b.xmin, pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()))
    AND l.xid < pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
  LIMIT $1))
RETURNING gone.source
