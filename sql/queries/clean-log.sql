-- Deletes the log rows that every cursor has absorbed, at most $1 of them. Cursors only move forward, or are reset
-- under their view's lock with the view marked whole: what this statement's snapshot shows of them is never too new.
DELETE FROM refresh_listener.change_log AS gone
WHERE gone.ctid = ANY (ARRAY(
  SELECT l.ctid
  FROM refresh_listener.change_log AS l
  WHERE l.source <> 0
    AND NOT EXISTS (SELECT FROM refresh_listener.view_source AS vs
                    JOIN refresh_listener.view AS v ON v.id = vs.view
                    WHERE vs.source = l.source AND l.xid >= pg_catalog.pg_snapshot_xmin(v.cursor)
                      AND NOT pg_catalog.pg_visible_in_snapshot(l.xid, v.cursor))
  LIMIT $1))
RETURNING gone.source
