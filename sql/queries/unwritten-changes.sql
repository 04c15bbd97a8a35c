-- Which views change without a write that a trigger could see, and by what? A row for each reason:
--   clock      CURRENT_DATE and its like, or a function that returns the time, or the state of the server
--   volatile   a built-in function that may return something else each time: random()
--   function   a function of the user's that is not IMMUTABLE, and may read what it likes
--   sample     TABLESAMPLE without REPEATABLE
--   foreign    a foreign table, also as a partition or a child
--   catalog    a table or view of the system, on which nobody can create a trigger
-- Read from the rewrite rules, those of nested plain views as well: what PostgreSQL itself brings is pinned, and leaves
-- no trace in pg_depend. Names in a rule's text stand escaped, so that none can look like a node.
-- A function that is merely STABLE is no reason when PostgreSQL brings it: most of them (date_trunc, to_char, concat)
-- depend on their arguments and on settings, which the worker keeps the same.
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
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
), rules (view, relation, text) AS MATERIALIZED (
  SELECT names.view, names.relation, r.ev_action::pg_catalog.text
  FROM names
  JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = names.relation AND r.rulename = '_RETURN'
), called (view, oid) AS (
  SELECT rules.view, f.match[1]::pg_catalog.oid
  FROM rules
  CROSS JOIN LATERAL pg_catalog.regexp_matches(rules.text, ' :(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS f (match)
  UNION
  -- An aggregate is as volatile as the functions that it is made of, whatever it says itself.
  SELECT rules.view, part.oid
  FROM rules
  CROSS JOIN LATERAL pg_catalog.regexp_matches(rules.text, ' :(?:aggfnoid|winfnoid) (\d+)', 'g') AS f (match)
  JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = f.match[1]::pg_catalog.oid
  CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn]::pg_catalog.oid[]) AS part (oid)
), read (view, oid) AS (
  SELECT DISTINCT rules.view, t.match[1]::pg_catalog.oid
  FROM rules
  CROSS JOIN LATERAL pg_catalog.regexp_matches(rules.text, ' :relid (\d+)', 'g') AS t (match)
), children (view, oid) AS (
  SELECT read.view, read.oid FROM read
  UNION
  SELECT children.view, i.inhrelid FROM children JOIN pg_catalog.pg_inherits AS i ON i.inhparent = children.oid
)
SELECT rules.view AS oid, 'clock' AS kind,
       CASE WHEN s.match[1]::pg_catalog.int4 = 0 THEN 'CURRENT_DATE'
            WHEN s.match[1]::pg_catalog.int4 <= 2 THEN 'CURRENT_TIME'
            WHEN s.match[1]::pg_catalog.int4 <= 4 THEN 'CURRENT_TIMESTAMP'
            WHEN s.match[1]::pg_catalog.int4 <= 6 THEN 'LOCALTIME'
            ELSE 'LOCALTIMESTAMP' END AS name
FROM rules
-- SQLValueFunctionOp in PostgreSQL's primnodes.h: those from 9 on are the user, the database and the schema.
CROSS JOIN LATERAL pg_catalog.regexp_matches(rules.text, '\{SQLVALUEFUNCTION :op ([0-8]) ', 'g') AS s (match)
UNION
SELECT called.view,
       CASE WHEN p.oid >= 16384 THEN 'function'
            WHEN p.proname ~ '^(now|age|mxid_age|clock_timestamp|timeofday|(transaction|statement)_timestamp)$' THEN 'clock'
            ELSE 'volatile' END,
       CASE WHEN p.oid >= 16384 THEN pg_catalog.format('%I.%I', n.nspname, p.proname) ELSE p.proname::pg_catalog.text END || '()'
FROM called
JOIN pg_catalog.pg_proc AS p ON p.oid = called.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
-- Everything from 16384 on is the user's. Of what PostgreSQL brings, the functions whose STABLE result is no function of
-- their arguments; age() of one argument counts from today, or from the current transaction.
WHERE CASE WHEN p.oid >= 16384
           THEN p.prokind <> 'a' AND (p.provolatile = 'v' OR (p.provolatile = 's' AND p.prolang NOT IN (
                  SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname IN ('c', 'internal'))))
           ELSE p.provolatile = 'v'
                OR (p.provolatile = 's' AND (p.proname ~ '^((transaction|statement)_timestamp|now|mxid_age|pg_stat_get_.*|pg_current_.*|txid_current.*|pg_conf_load_time|pg_postmaster_start_time)$'
                                             OR (p.proname = 'age' AND p.pronargs = 1))) END
UNION
SELECT rules.view, 'sample', ''
FROM rules
WHERE rules.text ~ ' :repeatable <>\}'
UNION
SELECT children.view, CASE WHEN c.relkind = 'f' THEN 'foreign' ELSE 'catalog' END, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM children
JOIN pg_catalog.pg_class AS c ON c.oid = children.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'f' OR n.nspname IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 3
