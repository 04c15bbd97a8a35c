-- Which transactions hold a write lock on this table, or on one of its children: who may still commit rows that no snapshot
-- has shown. Those of prepared transactions have no pid. To be asked *after* the snapshot: who is not among them and may
-- have drawn an id before that has ended since. When it began is not for every role to see (pg_read_all_stats, or one's own
-- session): then it is told from when it was met first.
-- $1: name of the table
WITH RECURSIVE relations (oid) AS (
  SELECT pg_catalog.to_regclass($1)::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM relations AS r JOIN pg_catalog.pg_inherits AS i ON i.inhparent = r.oid
)
SELECT coalesce(pg_catalog.jsonb_object_agg(h.holder, pg_catalog.jsonb_build_object('pid', h.pid, 'since', h.since)), '{}') AS holders
FROM (
  SELECT l.virtualtransaction AS holder, min(l.pid) AS pid, coalesce(min(a.xact_start), pg_catalog.clock_timestamp()) AS since
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
    AND l.relation = ANY (ARRAY(SELECT r.oid FROM relations AS r))
    AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  GROUP BY l.virtualtransaction
) AS h
