-- What does each source look like now? All of it may be read without a privilege and costs writers nothing.
--   file      relfilenode: a rewrite, a TRUNCATE, a plain REFRESH
--   children  the set of partitions, each as of its last ATTACH: one that is attached again was away meanwhile
--   columns   pg_attribute and the labels of enums: ADD COLUMN ... DEFAULT, a renamed label
--   rows      attempted inserts, updates and deletes, rolled-back ones included
--   commits   how often analyzed, and rows changed since, which only a commit adds to: it tells a rollback from a change
-- $1: ids of the sources
SELECT s.id,
       pg_catalog.jsonb_build_object(
         'file', c.relfilenode::pg_catalog.int8,
         'children', (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(i.inhrelid, ':', i.xmin), ',' ORDER BY i.inhrelid))
                      FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid),
         'columns', (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(',', a.attnum, a.attname, a.atttypid,
                              a.atttypmod, a.attisdropped, a.attmissingval::pg_catalog.text,
                              (SELECT pg_catalog.string_agg(pg_catalog.concat(e.enumlabel, ':', e.xmin), ',' ORDER BY e.enumsortorder)
                               FROM pg_catalog.pg_enum AS e
                               WHERE e.enumtypid IN (t.oid, t.typelem, t.typbasetype))), ';' ORDER BY a.attnum))
                     FROM pg_catalog.pg_attribute AS a
                     LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typtype IN ('e', 'b', 'd')
                                                      AND (t.typtype <> 'b' OR t.typelem <> 0)
                     WHERE a.attrelid = c.oid AND a.attnum > 0),
         'rows', pg_catalog.concat_ws(',', pg_catalog.pg_stat_get_tuples_inserted(c.oid),
                   pg_catalog.pg_stat_get_tuples_updated(c.oid), pg_catalog.pg_stat_get_tuples_deleted(c.oid)),
         'commits', pg_catalog.concat_ws(',', pg_catalog.pg_stat_get_analyze_count(c.oid)
                   + pg_catalog.pg_stat_get_autoanalyze_count(c.oid), pg_catalog.pg_stat_get_mod_since_analyze(c.oid))
       ) AS fingerprint
FROM refresh_listener.source AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.oid
WHERE s.id = ANY ($1::pg_catalog.int4[])
