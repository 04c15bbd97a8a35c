-- The columns of a relation in their order. `type` as CREATE TABLE takes it, with the collation where it is not that of the
-- type. `isTime`: a point in time, of which another can be taken away.
-- $1: oid of the relation
SELECT a.attname AS name,
       pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.format('COLLATE %I.%I', ln.nspname, l.collname) END) AS type,
       a.atttypid IN ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype,
                      'pg_catalog.timestamptz'::pg_catalog.regtype) AS "isTime"
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
