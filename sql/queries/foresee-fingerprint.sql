-- A refresh of this source changed nothing that its readers could see, and yet it moves the source's counters and file.
-- Readers that had absorbed just what was there before it need not look into that.
-- One that is being absorbed right now keeps its own: its transaction is not waited for.
-- $1: source id, $2: its fingerprint before, $3: its fingerprint to come
WITH free AS MATERIALIZED (
  SELECT k.view FROM refresh_listener.view_source AS k WHERE k.source = $1 AND k.fingerprint = $2::pg_catalog.jsonb
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE refresh_listener.view_source AS vs
SET fingerprint = $3::pg_catalog.jsonb
FROM free
WHERE vs.view = free.view AND vs.source = $1 AND vs.fingerprint = $2::pg_catalog.jsonb
