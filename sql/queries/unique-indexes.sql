-- Which unique indexes does a view have, and what keeps each from being used by a concurrent refresh? The conditions of
-- `refresh-target.sql`, one by one. Null: nothing.
-- $1: oid of the view
SELECT ic.relname AS name,
       ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, false)
             FROM pg_catalog.generate_series(1, i.indnkeyatts::pg_catalog.int4) AS k ORDER BY k) AS columns,
       CASE WHEN am.amname <> 'btree' THEN 'it is no btree'
            WHEN NOT i.indisvalid THEN 'it is not valid: its creation has failed'
            WHEN NOT i.indimmediate THEN 'it is deferrable'
            WHEN i.indpred IS NOT NULL THEN 'it is partial (it has a WHERE)'
            WHEN i.indexprs IS NOT NULL THEN 'it is on an expression, not on columns alone' END AS fault
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam
WHERE i.indrelid = $1 AND i.indisunique
ORDER BY ic.relname
