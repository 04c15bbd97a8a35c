-- Is this the cluster and the database that our cursors speak of, and is the log the one they were read with? A crash
-- or a fail-over empties the log (it is UNLOGGED), its marker row with it. `complete`: see schema-state.sql.
SELECT i.known, i.same,
       EXISTS (SELECT FROM pg_catalog.pg_constraint AS f
               WHERE f.contype = 'f' AND f.conrelid = pg_catalog.to_regclass('refresh_listener.watermark')
                 AND f.confrelid = pg_catalog.to_regclass('refresh_listener.summary')) AS complete,
       EXISTS (SELECT FROM refresh_listener.change_log AS l WHERE l.xid = '0'::pg_catalog.xid8 AND l.source = 0) AS marked
FROM (SELECT count(*) > 0 AS known,
             coalesce(bool_and(c.system_identifier = s.system_identifier AND c.database_oid = d.oid), false) AS same
      FROM pg_catalog.pg_control_system() AS s
      JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
      LEFT JOIN refresh_listener.cluster AS c ON true
      WHERE c.singleton) AS i
