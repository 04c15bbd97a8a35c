-- Which relations have a trigger that calls a function of our schema, whatever has become of the sources' rows?
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, t.tgname AS trigger,
       pg_catalog.has_table_privilege(c.oid, 'TRIGGER') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS "mayTrigger"
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = pg_catalog.to_regnamespace('refresh_listener')
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal
ORDER BY name
