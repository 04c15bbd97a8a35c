-- What does each source look like now? See refresh_listener.fingerprints in sql/migrations.
-- $1: ids of the sources
SELECT f.id, f.fingerprint FROM refresh_listener.fingerprints($1::pg_catalog.int4[]) AS f
