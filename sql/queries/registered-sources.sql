-- Which of these relations are registered as sources, and under which id?
-- $1: oids
SELECT s.id, s.oid FROM refresh_listener.source AS s WHERE s.oid = ANY ($1::pg_catalog.oid[])
