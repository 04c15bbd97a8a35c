-- Which views have not absorbed a log row that is older than the lapse? Their advisory locks are taken in passing;
-- those that are being absorbed right now are left out.
-- $1: the lapse in ms, $2: first key of the advisory lock
SELECT p.id
FROM (SELECT v.id
      FROM refresh_listener.view AS v
      WHERE EXISTS (SELECT FROM refresh_listener.change_log AS l
                    JOIN refresh_listener.view_source AS vs ON vs.view = v.id AND vs.source = l.source
                    WHERE l.xid >= pg_catalog.pg_snapshot_xmin(v.cursor)
                      AND NOT pg_catalog.pg_visible_in_snapshot(l.xid, v.cursor)
                      AND l.changed_at < pg_catalog.clock_timestamp()
                                           - pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000))
      OFFSET 0) AS p
WHERE pg_catalog.pg_try_advisory_xact_lock($2, p.id)
