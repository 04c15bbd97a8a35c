-- What has the sequence given out last that a column's ids come from? Null: nothing yet, or it may not be asked.
-- $1: name of the table, $2: name of the column
SELECT pg_catalog.pg_sequence_last_value(s.oid) AS "lastValue"
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_catalog.pg_depend AS d ON
     -- IDENTITY: the sequence depends on the column; DEFAULT nextval: the default depends on the sequence
     (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i')
  OR (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
JOIN pg_catalog.pg_class AS s ON s.relkind = 'S' AND s.oid = CASE WHEN d.deptype = 'i' THEN d.objid ELSE d.refobjid END
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT')
LIMIT 1
