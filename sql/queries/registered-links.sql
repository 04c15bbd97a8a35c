-- Every registered view that still exists, with the relations it reads: what all workers together serve.
SELECT v.id, v.oid, v.kind,
       (SELECT pg_catalog.date_part('epoch', m.freshness) * 1000 FROM refresh_listener.summary AS m WHERE m.view = v.id) AS "freshnessMs", n.nspname AS schema, c.relname AS relation, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       v.paused_at IS NOT NULL AS paused,
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', s.id, 'oid', s.oid::pg_catalog.int8, 'name', s.name) ORDER BY s.name)
                 FROM refresh_listener.view_source AS vs
                 JOIN refresh_listener.source AS s ON s.id = vs.source
                 WHERE vs.view = v.id), '[]') AS sources
FROM refresh_listener.view AS v
JOIN pg_catalog.pg_class AS c ON c.oid = v.oid AND c.relkind = CASE v.kind WHEN 'matview' THEN 'm' ELSE 'r' END::pg_catalog."char"
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY name
