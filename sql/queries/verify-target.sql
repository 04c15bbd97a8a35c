-- What is compared when a materialized view is verified? The definition names everything in full: for an empty search_path.
--   columns  in their order; `floats`: those whose value may depend on the order in which rows are added up
-- $1: oid of the view
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relispopulated AS populated,
       pg_catalog.pg_get_viewdef(c.oid) AS definition,
       coalesce(a.columns, '{}') AS columns, coalesce(a.floats, '{}') AS floats
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) AS columns,
         pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
           FILTER (WHERE a.atttypid = ANY ('{pg_catalog.float4,pg_catalog.float8}'::pg_catalog.regtype[])) AS floats
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS a
WHERE c.oid = $1 AND c.relkind = 'm'
