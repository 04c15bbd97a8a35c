-- Which materialized views does the database have? `mayRefresh`: REFRESH asks for ownership, since version 17 for MAINTAIN;
-- that alone does not let us read the view, which tells whether a refresh changed anything.
-- $1: the search path that unqualified names are looked up in, in order
SELECT c.oid, n.nspname AS schema, c.relname AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.array_position($1::pg_catalog.text[], n.nspname::pg_catalog.text) AS "pathPosition",
       CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000
            THEN pg_catalog.pg_has_role(c.relowner, 'USAGE')
            ELSE pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') END AS "mayRefresh",
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       'matview' AS kind, NULL::pg_catalog.float8 AS "freshnessMs", c.oid AS "definedBy"
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname
