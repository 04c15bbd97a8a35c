-- What has this transaction written to the view so far? The difference of two readings is what a refresh changed.
-- `name` is what the view is called by now: REFRESH takes a name, and after it the lock it took keeps the name from moving.
-- $1: oid of the view
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted($1) AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated($1) AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted($1) AS deleted,
       c.relfilenode::pg_catalog.int8 AS file,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1
