-- Which prepared transactions are there, in this cluster? They outlive sessions and restarts.
SELECT p.gid, p.owner AS role, p.database, p.database = pg_catalog.current_database() AS here,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) * 1000 AS "forMs"
FROM pg_catalog.pg_prepared_xacts AS p
ORDER BY p.prepared
