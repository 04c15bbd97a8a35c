-- Lets the triggers append until the greatest lease of each source's views plus the lapse. Never backwards.
-- $1: source ids, $2: the lapse in ms
SELECT pg_catalog.setval(r.register, greatest(r.target, coalesce(pg_catalog.pg_sequence_last_value(r.register), 0)))
FROM (SELECT pg_catalog.to_regclass('refresh_listener.log_' || vs.source) AS register,
             (pg_catalog.date_part('epoch', max(v.served_until)) * 1000)::pg_catalog.int8 + $2::pg_catalog.int8 AS target
      FROM refresh_listener.view_source AS vs
      JOIN refresh_listener.view AS v ON v.id = vs.view
      WHERE vs.source = ANY ($1::pg_catalog.int4[])
      GROUP BY vs.source) AS r
WHERE r.register IS NOT NULL
