-- When did the transaction of each view's last absorb begin, and what time is it, in ms since 1970 by the server's clock? Null:
-- there was none. Paused views are left out.
-- $1: view ids
SELECT v.id, pg_catalog.date_part('epoch', v.absorbed_at) * 1000 AS "absorbedAtMs",
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 AS "nowMs"
FROM refresh_listener.view AS v
WHERE v.id = ANY ($1::pg_catalog.int4[]) AND v.paused_at IS NULL
