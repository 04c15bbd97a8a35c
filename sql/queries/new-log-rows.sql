-- Which sources have log rows that the look before this one did not see? `snapshot` is the next look's $2. A row is
-- seen once, however late its transaction commits: the rule is that of the cursors.
-- $1: source ids, $2: snapshot of the look before
SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot,
       coalesce((SELECT pg_catalog.array_agg(DISTINCT l.source)
                 FROM refresh_listener.change_log AS l
                 WHERE l.xid >= pg_catalog.pg_snapshot_xmin($2::pg_catalog.pg_snapshot)
                   AND NOT pg_catalog.pg_visible_in_snapshot(l.xid, $2::pg_catalog.pg_snapshot)
                   AND l.source = ANY ($1::pg_catalog.int4[])), '{}') AS sources
