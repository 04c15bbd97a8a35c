-- Which summaries does the database have? In the shape of matviews.sql; a summary's sources are those of its definition.
-- `mayRefresh`: it is written to as any table is.
-- In a database that was restored, and that no worker has taken up yet, oids mean nothing: there the names do.
-- $1: the search path that unqualified names are looked up in, in order
SELECT c.oid, n.nspname AS schema, c.relname AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.array_position($1::pg_catalog.text[], n.nspname::pg_catalog.text) AS "pathPosition",
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
         AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE') AS "mayRefresh",
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       'summary' AS kind, pg_catalog.date_part('epoch', m.freshness) * 1000 AS "freshnessMs",
       pg_catalog.to_regclass('refresh_listener.definition_' || v.id)::pg_catalog.oid AS "definedBy"
-- The summary stands first, as in view-links.sql.
FROM refresh_listener.summary AS m
JOIN refresh_listener.view AS v ON v.id = m.view
CROSS JOIN (
  SELECT count(*) > 0 AS "here"
  FROM refresh_listener.cluster AS k
  JOIN pg_catalog.pg_control_system() AS s ON s.system_identifier = k.system_identifier
  JOIN pg_catalog.pg_database AS d ON d.oid = k.database_oid AND d.datname = pg_catalog.current_database()
) AS known
JOIN pg_catalog.pg_class AS c ON c.oid = CASE WHEN known."here" THEN v.oid ELSE pg_catalog.to_regclass(v.name)::pg_catalog.oid END AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE v.kind = 'summary' AND pg_catalog.to_regclass('refresh_listener.definition_' || v.id) IS NOT NULL
ORDER BY n.nspname, c.relname
