-- Which relations does each view read? Resolved through plain views, stopping at materialized ones (they are sources
-- themselves), then closed over inheritance: downwards, and from there upwards, because a write through the root changes
-- the leaf (and of a child with several parents, each of them may be written through).
-- System catalogs and the information schema are left out: nobody can create a trigger on them.
-- $1: oids of the views
WITH RECURSIVE names (view, relation, kind) AS (
  SELECT v.oid, c.oid, c.relkind
  FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS v (oid)
  JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> v.oid
  JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f', 'm', 'v')
  UNION
  SELECT names.view, c.oid, c.relkind
  FROM names
  JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = names.relation AND names.kind = 'v'
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND d.refobjid <> names.relation
  JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f', 'm', 'v')
), descendants (view, relation) AS (
  SELECT view, relation FROM names WHERE kind IN ('r', 'p', 'f')
  UNION
  SELECT d.view, i.inhrelid FROM descendants AS d JOIN pg_catalog.pg_inherits AS i ON i.inhparent = d.relation
), ancestors (view, relation) AS (
  SELECT view, relation FROM descendants
  UNION
  SELECT a.view, i.inhparent FROM ancestors AS a JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.relation
), closed (view, relation) AS (
  SELECT view, relation FROM names WHERE kind = 'm'
  UNION SELECT view, relation FROM ancestors
)
SELECT closed.view, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       pg_catalog.has_table_privilege(c.oid, 'TRIGGER') AS "mayTrigger",
       EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid) AS "isChild",
       pg_catalog.quote_ident(n.nspname) AS schema, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS "mayUseSchema"
FROM closed
JOIN pg_catalog.pg_class AS c ON c.oid = closed.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.oid <> closed.view
ORDER BY closed.view, name
