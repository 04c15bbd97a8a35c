-- Which sessions have been in a transaction for long? Those of other databases only where they have a transaction id:
-- ids are of the cluster, and so a cursor's xmin waits for them. What a session does is hidden from roles without
-- pg_read_all_stats; its age in transactions is not. The worker's own are left out: a long refresh is told of elsewhere.
-- $1: so long in ms, $2: so many transactions where the time is hidden
SELECT a.pid, a.usename AS role, a.datname AS database, a.application_name AS application, a.state,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000 AS "forMs",
       greatest(pg_catalog.age(a.backend_xid), pg_catalog.age(a.backend_xmin)) AS transactions
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.usename IS NOT NULL
  AND coalesce(a.backend_type, 'client backend') = 'client backend'
  AND coalesce(a.application_name, '') NOT LIKE 'listener (%'
  AND (a.datname = pg_catalog.current_database() OR a.backend_xid IS NOT NULL)
  AND CASE WHEN a.xact_start IS NULL THEN greatest(pg_catalog.age(a.backend_xid), pg_catalog.age(a.backend_xmin)) > $2::pg_catalog.int8
           ELSE a.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000) END
ORDER BY a.xact_start, a.pid
