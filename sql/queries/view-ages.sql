-- How long ago did the last absorb of each view begin, in ms? Null: there was none. Paused views are left out.
-- $1: view ids
SELECT v.id, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - v.last_success) * 1000 + v.last_duration_ms AS "ageMs"
FROM refresh_listener.view AS v
WHERE v.id = ANY ($1::pg_catalog.int4[]) AND v.paused_at IS NULL
