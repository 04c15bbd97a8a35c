-- What may a unique index on this view be made of? Its rule, its columns by their place, and those in which the last
-- ANALYZE saw no value twice and none missing (n_distinct -1; readable for whom the view is).
-- `uniques`: the columns of each unique index on a table that it reads without a WHERE of its own, smallest first.
-- $1: oid of the view
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       (SELECT r.ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite AS r
        WHERE r.ev_class = c.oid AND r.rulename = '_RETURN') AS action,
       (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
       coalesce((SELECT pg_catalog.array_agg(s.attname::pg_catalog.text ORDER BY a.attnum)
                 FROM pg_catalog.pg_stats AS s
                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
                 WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.n_distinct = -1 AND s.null_frac = 0), '{}')
         AS distinct,
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', i.indrelid::pg_catalog.int8, 'columns',
                          pg_catalog.to_jsonb((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])) ORDER BY i.indnkeyatts, i.indexrelid)
                 FROM pg_catalog.pg_index AS i
                 JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
                 WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                   -- A child's rows are in no index of its parent.
                   AND (t.relkind = 'p' OR NOT t.relhassubclass)
                   AND i.indrelid IN (SELECT d.refobjid
                                      FROM pg_catalog.pg_depend AS d
                                      JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND r.ev_class = c.oid
                                      WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                                        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)), '[]') AS uniques
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1
