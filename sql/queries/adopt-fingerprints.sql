-- These sources look different and yet nothing changed (an ANALYZE, a rollback): how they look now is what the next sweep
-- compares with, or else an ANALYZE and a rollback hours apart would together pass for a change.
-- An absorb that came in between has kept its own, newer ones.
-- $1: view ids, $2: source ids, $3: their fingerprints before, $4: their fingerprints now
UPDATE refresh_listener.view_source AS vs
SET fingerprint = f.now::pg_catalog.jsonb
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.int4[]),
                pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) AS f (view, source, before, now)
WHERE vs.view = f.view AND vs.source = f.source AND vs.fingerprint = f.before::pg_catalog.jsonb
