-- Which materialized views does the database have? `owned` is what REFRESH asks for (or MAINTAIN, since version 17).
-- $1: the search path that unqualified names are looked up in, in order
SELECT c.oid, n.nspname AS schema, c.relname AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.array_position($1::pg_catalog.text[], n.nspname::pg_catalog.text) AS "pathPosition",
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname
