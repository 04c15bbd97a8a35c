-- Is the hold of these sources over, by the server's clock, and does some transaction hold a write lock on them? Such a
-- one may have changed the source inside the hold, without ringing, and not have committed yet. Fast-path locks and
-- those of prepared transactions are shown, too. To be asked *before* the look, in a statement of its own. A silent
-- source (0) has the longest hold before it, at any time; one whose register is unset or missing has none.
-- $1: source ids, $2: oids of their relations, $3: the longest hold in ms
SELECT s.id,
       CASE r.hold WHEN 0 THEN $3::pg_catalog.float8
         ELSE greatest(0, coalesce(r.hold, 0) - pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)
       END AS "remainingMs",
       s.oid = ANY (ARRAY(
         SELECT l.relation FROM pg_catalog.pg_locks AS l
         WHERE l.locktype = 'relation' AND l.granted
           AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
                             WHERE d.datname = pg_catalog.current_database())
           AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')))
         AS "hasWriters"
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.oid[])) AS s (id, oid)
CROSS JOIN LATERAL (
  SELECT pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('refresh_listener.hold_' || s.id)) AS hold
) AS r
