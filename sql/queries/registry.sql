-- Every registered view, whoever serves it, with what it is linked to.
SELECT v.id, v.oid, v.name, v.kind, v.definition,
       v.served_until + pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000) < pg_catalog.clock_timestamp()
         AS abandoned,
       EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = v.oid AND c.relkind = CASE v.kind WHEN 'matview' THEN 'm' ELSE 'r' END::pg_catalog."char") AS "exists",
       coalesce((SELECT pg_catalog.array_agg(vs.source ORDER BY vs.source)
                 FROM refresh_listener.view_source AS vs WHERE vs.view = v.id), '{}') AS sources
FROM refresh_listener.view AS v
