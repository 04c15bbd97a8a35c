-- Which plain views does each view read through, and how are they defined? A hash: CREATE OR REPLACE VIEW changes what a
-- refresh returns without a write to any table.
-- $1: oids of the views
WITH RECURSIVE names (view, relation) AS (
  SELECT v, v FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS v
  UNION
  SELECT names.view, c.oid
  FROM names
  JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = names.relation
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND d.refobjid <> names.relation
  JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind = 'v'
)
SELECT names.view,
       pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(r.oid, ':', r.xmin), ',' ORDER BY r.oid)) AS definition
FROM names
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = names.relation AND names.relation <> names.view
GROUP BY names.view
