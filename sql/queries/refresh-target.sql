-- How can this view be refreshed? CONCURRENTLY needs a populated view and a unique index on columns alone, without
-- WHERE, that is valid and checked at once (is_usable_unique_index in PostgreSQL's matview.c). `keyColumns` are the
-- columns of all such indexes: rows with a NULL in one of them are rewritten by every concurrent refresh.
-- `columns` are those a unique index might be made of, for the advice where there is none.
-- $1: oid of the view
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relispopulated AS populated, c.relfilenode::pg_catalog.int8 AS file,
       coalesce((SELECT pg_catalog.array_agg(DISTINCT a.attname::pg_catalog.text)
                 FROM pg_catalog.pg_index AS i
                 JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
                 JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam AND am.amname = 'btree'
                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
                   AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
                 WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                   AND i.indpred IS NULL AND i.indexprs IS NULL), '{}') AS "keyColumns",
       coalesce((SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1
