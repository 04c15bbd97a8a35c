-- Which relations that this transaction has read were rewritten after its snapshot, before it locked them? A TRUNCATE, and a
-- plain REFRESH, put rows into the new file that an older snapshot sees, or take away such as it ought to see. pg_class is
-- read as of the snapshot, pg_relation_filenode tells the file of now. For REPEATABLE READ.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'm') AND c.relfilenode <> 0
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  AND c.relfilenode <> pg_catalog.pg_relation_filenode(c.oid)
