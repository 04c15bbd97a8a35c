-- How many rows of these tables are dead, or have changed since they were analyzed, and from how many on would autovacuum see
-- to them? Counted as it counts, against its own settings for each table (relation_needs_vacanalyze in autovacuum.c; a
-- table that was never vacuumed counts as empty). `may`: VACUUM asks for ownership of the table or of the database, since
-- version 17 for MAINTAIN. `bytes`: the table itself, as it was vacuumed or analyzed last: to measure it now would wait for a lock.
-- $1: oids of tables and materialized views; null: all tables of ours
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.pg_stat_get_live_tuples(c.oid) AS "liveRows",
       pg_catalog.pg_stat_get_dead_tuples(c.oid) AS "deadRows",
       pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS "changedRows",
       least(s.vacuum_threshold + s.vacuum_scale * greatest(c.reltuples, 0), CASE WHEN s.vacuum_maximum >= 0 THEN s.vacuum_maximum END) AS "vacuumFrom",
       s.analyze_threshold + s.analyze_scale * greatest(c.reltuples, 0) AS "analyzeFrom",
       c.relpages * pg_catalog.current_setting('block_size')::pg_catalog.int8 AS bytes,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
         - greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid), pg_catalog.pg_stat_get_last_autovacuum_time(c.oid))) * 1000 AS "vacuumedMsAgo",
       coalesce(s.enabled, true) AS autovacuum,
       pg_catalog.pg_stat_get_vacuum_count(c.oid) AS vacuums,
       pg_catalog.pg_stat_get_analyze_count(c.oid) AS analyzes,
       CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') OR pg_catalog.pg_has_role(d.datdba, 'USAGE') THEN true
            WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000 THEN false
            ELSE pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') END AS may
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
CROSS JOIN LATERAL (
  SELECT pg_catalog.bool_and(o.option_value::pg_catalog.bool) FILTER (WHERE o.option_name = 'autovacuum_enabled') AS enabled,
         coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_vacuum_threshold'),
                  pg_catalog.current_setting('autovacuum_vacuum_threshold'))::pg_catalog.float8 AS vacuum_threshold,
         coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_vacuum_scale_factor'),
                  pg_catalog.current_setting('autovacuum_vacuum_scale_factor'))::pg_catalog.float8 AS vacuum_scale,
         -- Since version 18.
         coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_vacuum_max_threshold'),
                  pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true))::pg_catalog.float8 AS vacuum_maximum,
         coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_analyze_threshold'),
                  pg_catalog.current_setting('autovacuum_analyze_threshold'))::pg_catalog.float8 AS analyze_threshold,
         coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_analyze_scale_factor'),
                  pg_catalog.current_setting('autovacuum_analyze_scale_factor'))::pg_catalog.float8 AS analyze_scale
  FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
) AS s
WHERE c.relkind IN ('r', 'm')
  AND CASE WHEN $1::pg_catalog.oid[] IS NULL THEN n.nspname = 'refresh_listener' ELSE c.oid = ANY ($1) END
ORDER BY n.nspname, c.relname
