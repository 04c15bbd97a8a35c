-- May this role create a table of this name, and is the name free? `taken` is what bears it: a relkind of PostgreSQL, or T for
-- a type. `keyName` is the first of the offered names for a constraint that is free. No row when there is no such schema.
-- $1: schema, $2: name of the table, $3: names for a constraint
SELECT n.nspname AS schema, pg_catalog.format('%I.%I', n.nspname, $2::pg_catalog.text) AS name,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS "mayCreate",
       pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
       coalesce((SELECT c.relkind FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = $2::pg_catalog.text),
                (SELECT 'T'::pg_catalog."char" FROM pg_catalog.pg_type AS t
                 WHERE t.typnamespace = n.oid AND t.typname = $2::pg_catalog.text)) AS taken,
       (SELECT k.name
        FROM pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY AS k (name, place)
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = k.name)
        ORDER BY k.place LIMIT 1) AS "keyName"
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = $1::pg_catalog.text
