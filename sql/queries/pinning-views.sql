-- Of which views is the first log row that they have not absorbed older than the lapse? Their advisory locks are taken in
-- passing; those that are being absorbed right now are left out.
-- $1: the lapse in ms, $2: first key of the advisory lock
SELECT p.id
FROM (SELECT v.id
      FROM refresh_listener.view AS v
      CROSS JOIN LATERAL (
        SELECT min(l.changed_at) AS changed_at
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
        ) AS l
      ) AS oldest
      WHERE oldest.changed_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000)
      OFFSET 0) AS p
WHERE pg_catalog.pg_try_advisory_xact_lock($2, p.id)
