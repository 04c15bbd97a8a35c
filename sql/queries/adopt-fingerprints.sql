-- These sources look different and yet nothing changed (an ANALYZE, a rollback): how they look now is what the next sweep
-- compares with, or else an ANALYZE and a rollback hours apart would together pass for a change.
-- An absorb that came in between has kept its own, newer ones, and one that is under way (in the transaction of somebody who
-- called refresh(), for as long as that takes) is about to: it is not waited for.
-- $1: view ids, $2: source ids, $3: their fingerprints before, $4: their fingerprints now
WITH f AS MATERIALIZED (
  SELECT vs.view, vs.source, f.before, f.now
  FROM refresh_listener.view_source AS vs
  JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.int4[]),
                pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) AS f (view, source, before, now)
    ON vs.view = f.view AND vs.source = f.source
  FOR NO KEY UPDATE OF vs SKIP LOCKED
)
UPDATE refresh_listener.view_source AS vs
SET fingerprint = f.now::pg_catalog.jsonb
FROM f
WHERE vs.view = f.view AND vs.source = f.source AND vs.fingerprint = f.before::pg_catalog.jsonb
