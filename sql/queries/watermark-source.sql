-- What decides whether ids of this table can serve as a watermark? One row: the table, its columns with the sequences that
-- they draw from, what is under it in the tree of partitions or children, and whether logical replication writes to it.
-- No row when there is no such table.
-- $1: oid of the table
WITH RECURSIVE below (oid) AS (
  SELECT $1::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM below JOIN pg_catalog.pg_inherits AS i ON i.inhparent = below.oid
), above (oid) AS (
  SELECT $1::pg_catalog.oid
  UNION
  SELECT i.inhparent FROM above JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = above.oid
), tree (oid) AS (
  SELECT below.oid FROM below UNION SELECT above.oid FROM above
), partition_key (name) AS (
  -- A partitioned table's unique index must have these besides the id.
  SELECT a.attname
  FROM tree
  JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = tree.oid
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::pg_catalog.int2[])
), drawn (relation, number, sequence, plain) AS (
  -- Of an identity column; `plain`: the value is the sequence's next one, and nothing made of it.
  SELECT d.refobjid, d.refobjsubid, d.objid, true
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.deptype = 'i' AND d.refobjid IN (SELECT tree.oid FROM tree)
  UNION ALL
  -- Of a default. Text and name are both printed under the same search_path, whatever it is; a constant is printed without
  -- the E'' that quote_literal() puts before backslashes.
  SELECT ad.adrelid, ad.adnum, s.oid,
         pg_catalog.pg_get_expr(ad.adbin, ad.adrelid)
           = 'nextval(''' || pg_catalog.replace(s.oid::pg_catalog.regclass::pg_catalog.text, '''', '''''') || '''::regclass)'
  FROM pg_catalog.pg_attrdef AS ad
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = ad.oid
                                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  JOIN pg_catalog.pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum AND a.attgenerated = ''
  WHERE ad.adrelid IN (SELECT tree.oid FROM tree)
), column_facts (relation, name, number, facts) AS (
  SELECT a.attrelid, a.attname, a.attnum, pg_catalog.jsonb_build_object(
    'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull, 'identity', a.attidentity,
    'default', (SELECT pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) FROM pg_catalog.pg_attrdef AS ad
                WHERE ad.adrelid = a.attrelid AND ad.adnum = a.attnum),
    'sequences', COALESCE((
      SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'oid', s.oid::pg_catalog.int8, 'name', pg_catalog.format('%I.%I', n.nspname, s.relname), 'plain', drawn.plain,
               'cache', q.seqcache::pg_catalog.text, 'increment', q.seqincrement::pg_catalog.text, 'cycle', q.seqcycle,
               'unlogged', s.relpersistence <> 'p', 'readable', pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT'),
               'lastValue', CASE WHEN pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT')
                                 THEN pg_catalog.pg_sequence_last_value(s.oid)::pg_catalog.text END) ORDER BY s.oid)
      FROM drawn
      JOIN pg_catalog.pg_class AS s ON s.oid = drawn.sequence
      JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
      JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = s.oid
      WHERE drawn.relation = a.attrelid AND drawn.number = a.attnum), '[]'),
    'primary', EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisprimary
                                                              AND a.attnum = ANY (i.indkey::pg_catalog.int2[])),
    'unique', EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
        AND NOT EXISTS (SELECT FROM pg_catalog.unnest((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]) AS k (number)
                        JOIN pg_catalog.pg_attribute AS other ON other.attrelid = i.indrelid AND other.attnum = k.number
                        WHERE k.number <> a.attnum AND other.attname NOT IN (SELECT partition_key.name FROM partition_key))))
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid IN (SELECT below.oid FROM below) AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind, c.relpersistence AS persistence,
       ARRAY(SELECT f.facts FROM column_facts AS f WHERE f.relation = c.oid ORDER BY f.number) AS columns,
       ARRAY(SELECT pg_catalog.jsonb_build_object(
               'name', pg_catalog.format('%I.%I', bn.nspname, b.relname), 'kind', b.relkind, 'persistence', b.relpersistence,
               'columns', (SELECT pg_catalog.jsonb_agg(f.facts ORDER BY f.number) FROM column_facts AS f WHERE f.relation = b.oid))
             FROM below
             JOIN pg_catalog.pg_class AS b ON b.oid = below.oid
             JOIN pg_catalog.pg_namespace AS bn ON bn.oid = b.relnamespace
             WHERE b.oid <> c.oid
             ORDER BY pg_catalog.format('%I.%I', bn.nspname, b.relname)) AS below,
       ARRAY(SELECT s.srrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_subscription_rel AS s
             WHERE s.srrelid IN (SELECT tree.oid FROM tree) ORDER BY 1) AS subscribed
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1
