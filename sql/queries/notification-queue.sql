-- How full is the queue of notifications, 0 to 1, and which sessions may keep it from being emptied? A session that
-- LISTENs takes nothing from it while it is in a transaction; which ones LISTEN nobody can ask, so the oldest
-- transactions of the cluster are the suspects.
SELECT pg_catalog.pg_notification_queue_usage() AS usage,
       coalesce((SELECT pg_catalog.jsonb_agg(s) FROM (
         SELECT a.pid, a.usename AS role, a.datname AS database, a.application_name AS application, a.state,
                pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000 AS "forMs"
         FROM pg_catalog.pg_stat_activity AS a
         WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend' AND a.xact_start IS NOT NULL
         ORDER BY a.xact_start LIMIT 3) AS s), '[]') AS suspects
