-- How large is the change log? Rows are counted up to a million: more is more.
SELECT (SELECT count(*) FROM (SELECT FROM refresh_listener.change_log AS l WHERE l.source <> 0 LIMIT 1000000) AS l) AS rows,
       pg_catalog.pg_total_relation_size('refresh_listener.change_log'::pg_catalog.regclass) AS bytes
