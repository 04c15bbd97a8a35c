-- How far does each linked source of a view record, until when does it keep quiet, and what did it look like when the view
-- was absorbed last? Registers are ms since 1970; a hold of 0: silent; null: unset (record, and ring), missing, or not ours
-- to read.
-- `standsFor`: the id of the registered view that the source is, if it is one.
-- $1: view id
SELECT s.id, s.oid, s.name, vs.fingerprint,
       CASE WHEN pg_catalog.has_sequence_privilege(r.log, 'SELECT') THEN pg_catalog.pg_sequence_last_value(r.log)::pg_catalog.float8 END AS "logUntilMs",
       CASE WHEN pg_catalog.has_sequence_privilege(r.hold, 'SELECT') THEN pg_catalog.pg_sequence_last_value(r.hold)::pg_catalog.float8 END AS "holdUntilMs",
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 AS "nowMs",
       (SELECT v.id FROM refresh_listener.view AS v WHERE v.oid = s.oid) AS "standsFor"
FROM refresh_listener.view_source AS vs
JOIN refresh_listener.source AS s ON s.id = vs.source
CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass('refresh_listener.log_' || s.id) AS log,
                           pg_catalog.to_regclass('refresh_listener.hold_' || s.id) AS hold) AS r
WHERE vs.view = $1
ORDER BY s.name
