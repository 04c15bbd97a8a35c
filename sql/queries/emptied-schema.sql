-- The statements that drop all of ours but the trigger functions, on which triggers depend: migrations replace those.
SELECT pg_catalog.format('DROP %s IF EXISTS %s CASCADE', k.kind,
         pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.relname)) AS statement
FROM pg_catalog.pg_class AS c
JOIN (VALUES ('r'::pg_catalog."char", 'TABLE'), ('p', 'TABLE'), ('v', 'VIEW'), ('S', 'SEQUENCE')) AS k (relkind, kind) USING (relkind)
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'refresh_listener'
  -- Partitions, and the sequences of identity columns, go with their tables.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i'))
GROUP BY k.kind
UNION ALL
SELECT pg_catalog.format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::pg_catalog.regprocedure)
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = pg_catalog.to_regnamespace('refresh_listener')
  AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
