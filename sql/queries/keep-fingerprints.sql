-- What a view's sources looked like just before it was absorbed. Only what differs is written.
-- $1: view id, $2: source ids, $3: their fingerprints
UPDATE refresh_listener.view_source AS vs
SET fingerprint = f.fingerprint::pg_catalog.jsonb
FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.int4[]), pg_catalog.unnest($3::pg_catalog.text[])) AS f (source, fingerprint)
WHERE vs.view = $1 AND vs.source = f.source AND vs.fingerprint IS DISTINCT FROM f.fingerprint::pg_catalog.jsonb
