-- Which privileges in the schema refresh_listener does this role lack? Tables that are not there yet are no matter of grants.
-- $1, $2: tables and a privilege each, $3: privileges on every register, $4: functions with their argument types
SELECT 'schema' AS object, 'refresh_listener' AS name, 'USAGE' AS privileges
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = 'refresh_listener' AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT 'table', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.string_agg(w.privilege, ', ' ORDER BY w.place)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) WITH ORDINALITY AS w (relation, privilege, place)
JOIN pg_catalog.pg_class AS c ON c.relname = w.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'refresh_listener'
WHERE NOT pg_catalog.has_table_privilege(c.oid, w.privilege)
GROUP BY n.nspname, c.relname
UNION ALL
SELECT 'sequence', 'refresh_listener', pg_catalog.string_agg(DISTINCT p.privilege, ', ')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'refresh_listener'
CROSS JOIN pg_catalog.unnest($3::pg_catalog.text[]) AS p (privilege)
WHERE c.relkind = 'S' AND c.relname ~ '^(log|hold)_[0-9]+$' AND NOT pg_catalog.has_sequence_privilege(c.oid, p.privilege)
HAVING count(*) > 0
UNION ALL
SELECT 'function', 'refresh_listener.' || f.signature, 'EXECUTE'
FROM pg_catalog.unnest($4::pg_catalog.text[]) AS f (signature)
JOIN pg_catalog.pg_proc AS p
  ON p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' = f.signature
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = 'refresh_listener'
WHERE NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
