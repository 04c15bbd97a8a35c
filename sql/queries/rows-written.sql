-- What has this transaction written to the view so far? The difference of two readings is what a refresh changed.
-- $1: oid of the view
SELECT pg_catalog.current_setting('track_counts')::pg_catalog.bool AS counting,
       pg_catalog.pg_stat_get_xact_tuples_inserted($1) AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated($1) AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted($1) AS deleted,
       (SELECT c.relfilenode::pg_catalog.int8 FROM pg_catalog.pg_class AS c WHERE c.oid = $1) AS file
