-- How are these views read? Scans are counted since the statistics were last reset.
-- $1: oids of the views
SELECT c.oid, pg_catalog.pg_stat_get_numscans(c.oid) AS scans, pg_catalog.pg_relation_size(c.oid) AS bytes,
       EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisvalid) AS indexed
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY ($1::pg_catalog.oid[])
