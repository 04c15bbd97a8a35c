-- What does the catalog know of the definition of a summary: of its source, of the functions that it calls, and of the
-- types of its columns? One row, whose `source` is null when there is no such relation.
-- $1: oid of the plain view that is the definition; $2: its source, quoted and qualified
WITH RECURSIVE rule (text) AS MATERIALIZED (
  SELECT r.ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = $1 AND r.rulename = '_RETURN'
), col (number, name, type, typmod, collated) AS (
  SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation
  FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
), part (number, type, typmod, nested) AS (
  -- Down to what is compared in the end: of a domain its type, of an array its element, of a range its bounds.
  SELECT col.number, col.type, col.typmod, false FROM col
  UNION ALL
  SELECT part.number,
         CASE WHEN t.typtype = 'd' THEN t.typbasetype
              WHEN t.typtype IN ('r', 'm') THEN (SELECT g.rngsubtype FROM pg_catalog.pg_range AS g WHERE t.oid IN (g.rngtypid, g.rngmultitypid))
              ELSE t.typelem END,
         CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE part.typmod END,
         part.nested OR t.typtype <> 'd'
  FROM part
  JOIN pg_catalog.pg_type AS t ON t.oid = part.type
  WHERE t.typtype IN ('d', 'r', 'm') OR t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
), compared (number, type, typmod, nested) AS (
  SELECT DISTINCT ON (part.number) part.number, t.oid, part.typmod, part.nested
  FROM part
  JOIN pg_catalog.pg_type AS t ON t.oid = part.type
  WHERE NOT (t.typtype IN ('d', 'r', 'm') OR t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
  ORDER BY part.number
), opclass (number, method, family, type) AS (
  SELECT compared.number, m.amname, o.opcfamily, o.opcintype
  FROM compared
  JOIN pg_catalog.pg_type AS t ON t.oid = compared.type
  JOIN pg_catalog.pg_am AS m ON m.amname IN ('btree', 'hash')
  JOIN pg_catalog.pg_opclass AS o ON o.opcmethod = m.oid AND o.opcdefault
  WHERE o.opcintype = t.oid
     OR (t.typtype = 'e' AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype)
     OR EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = t.oid AND c.casttarget = o.opcintype
                                                       AND c.castmethod = 'b' AND c.castcontext = 'i')
)
SELECT (SELECT pg_catalog.jsonb_build_object('oid', c.oid::pg_catalog.int8, 'name', pg_catalog.format('%I.%I', n.nspname, c.relname),
                                             'kind', c.relkind, 'rowSecurity', c.relrowsecurity,
                                             'catalog', n.nspname IN ('pg_catalog', 'information_schema'))
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = pg_catalog.to_regclass($2)) AS source,
       ARRAY(SELECT DISTINCT pg_catalog.format('%I.%I()', n.nspname, p.proname)
             FROM rule
             CROSS JOIN LATERAL pg_catalog.regexp_matches(rule.text, ' :aggfnoid (\d+)', 'g') AS f (match)
             JOIN pg_catalog.pg_proc AS p ON p.oid = f.match[1]::pg_catalog.oid AND p.oid >= 16384
             JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
             ORDER BY 1) AS aggregates,
       ARRAY(SELECT DISTINCT p.proname::pg_catalog.text || '()'
             FROM rule
             CROSS JOIN LATERAL pg_catalog.regexp_matches(rule.text, ' :(?:funcid|opfuncid) (\d+) ', 'g') AS f (match)
             JOIN pg_catalog.pg_proc AS p ON p.oid = f.match[1]::pg_catalog.oid AND p.proretset
             ORDER BY 1) AS "setReturning",
       ARRAY(SELECT pg_catalog.jsonb_build_object(
               'name', col.name, 'type', pg_catalog.format_type(col.type, col.typmod),
               'base', pg_catalog.format_type(COALESCE(compared.type, col.type), NULL),
               'collation', CASE WHEN NOT l.collisdeterministic THEN pg_catalog.format('%I.%I', ln.nspname, l.collname) END,
               'btree', EXISTS (SELECT FROM opclass WHERE opclass.number = col.number AND opclass.method = 'btree'),
               'hash', EXISTS (SELECT FROM opclass WHERE opclass.number = col.number AND opclass.method = 'hash'),
               -- What allows an index to keep equal keys once: support function 4 of btree, "equalimage". Older clusters
               -- have it for interval too, where 24 hours equal a day; all have it for char, whose blanks at the end do not
               -- count. A declared scale, or length, makes equal ones look alike.
               'oneImage', NOT COALESCE(compared.nested, true) AND CASE compared.type
                 WHEN 'pg_catalog.interval'::pg_catalog.regtype THEN false
                 WHEN 'pg_catalog.numeric'::pg_catalog.regtype THEN compared.typmod >= 0
                 WHEN 'pg_catalog.bpchar'::pg_catalog.regtype THEN compared.typmod >= 0
                 ELSE EXISTS (SELECT FROM opclass
                              JOIN pg_catalog.pg_amproc AS p ON p.amprocfamily = opclass.family AND p.amproclefttype = opclass.type
                                                            AND p.amprocrighttype = opclass.type AND p.amprocnum = 4
                              WHERE opclass.number = col.number AND opclass.method = 'btree') END)
             FROM col
             LEFT JOIN compared ON compared.number = col.number
             LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = col.collated
             LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
             ORDER BY col.number) AS columns
