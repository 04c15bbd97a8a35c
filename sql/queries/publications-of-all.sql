-- Which publications take in every table, ours too, and what would one of all other schemas say?
SELECT pg_catalog.quote_ident(p.pubname) AS name,
       (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname), ', ' ORDER BY pg_catalog.quote_ident(n.nspname))
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\_%'
          AND n.nspname NOT IN ('information_schema', 'refresh_listener')) AS schemas,
       pg_catalog.concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                            CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS operations,
       p.pubviaroot AS "viaRoot", pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.pubowner)) AS owner
FROM pg_catalog.pg_publication AS p
WHERE p.puballtables
ORDER BY p.pubname
