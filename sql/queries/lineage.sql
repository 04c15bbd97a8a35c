-- What does a view read, directly and through plain and materialized views, and what reads it? Each row is one link:
--   reads  `reader` names `relation` in its definition
--   child  `relation` is a partition or child of `reader`
-- Upstream links lead away from the view, downstream links back to it. System catalogs are left out.
-- $1: oid of the view
WITH RECURSIVE reads (reader, relation) AS MATERIALIZED (
  SELECT DISTINCT r.ev_class, d.refobjid
  FROM pg_catalog.pg_rewrite AS r
  JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
  JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f', 'm', 'v')
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
), links (reader, relation, link) AS (
  SELECT r.reader, r.relation, 'reads' FROM reads AS r
  UNION ALL SELECT i.inhparent, i.inhrelid, 'child' FROM pg_catalog.pg_inherits AS i
), up (reader, relation, link) AS (
  SELECT l.reader, l.relation, l.link FROM links AS l WHERE l.reader = $1
  UNION
  SELECT l.reader, l.relation, l.link FROM up JOIN links AS l ON l.reader = up.relation
), down (reader, relation) AS (
  SELECT r.reader, r.relation FROM reads AS r WHERE r.relation = $1
  UNION
  SELECT r.reader, r.relation FROM down JOIN reads AS r ON r.relation = down.reader
)
SELECT e.direction, e.link, e.reader, e.relation,
       pg_catalog.format('%I.%I', rn.nspname, r.relname) AS "readerName", r.relkind AS "readerKind",
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind
FROM (SELECT 'up' AS direction, up.link, up.reader, up.relation FROM up
      UNION ALL SELECT 'down', 'reads', down.reader, down.relation FROM down) AS e
JOIN pg_catalog.pg_class AS r ON r.oid = e.reader
JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
JOIN pg_catalog.pg_class AS c ON c.oid = e.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY e.direction, e.link DESC, name, "readerName"
