-- Which of these relations has nobody ever analyzed?
-- $1: oids
SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.reltuples < 0
