-- A refresh of this source changed nothing that its readers could see, and yet it moves the source's counters and file.
-- Readers that had absorbed just what was there before it need not look into that.
-- $1: source id, $2: its fingerprint before, $3: its fingerprint to come
UPDATE refresh_listener.view_source AS vs
SET fingerprint = $3::pg_catalog.jsonb
WHERE vs.source = $1 AND vs.fingerprint = $2::pg_catalog.jsonb
