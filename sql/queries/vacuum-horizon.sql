-- Whose end does VACUUM wait for? `horizon`: the first transaction whose dead rows it leaves, since somebody may still see them;
-- `next`: the first that has not begun. Both xid8, as text. What holds it: sessions of this database by what they write and by
-- what they see (every role may see these numbers), standbys, prepared transactions, replication slots.
SELECT n.next::pg_catalog.text AS next,
       (n.next - greatest(coalesce(max(pg_catalog.age(h.xid)), 0), 0))::pg_catalog.text AS horizon
FROM (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8 AS next) AS n
LEFT JOIN (
  SELECT x.xid
  FROM pg_catalog.pg_stat_activity AS a
  CROSS JOIN LATERAL (VALUES (a.backend_xid), (a.backend_xmin)) AS x (xid)
  WHERE a.pid <> pg_catalog.pg_backend_pid() AND (a.datname = pg_catalog.current_database() OR a.datname IS NULL)
  UNION ALL
  SELECT p.transaction FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = pg_catalog.current_database()
  UNION ALL
  SELECT s.xmin FROM pg_catalog.pg_replication_slots AS s
) AS h ON h.xid IS NOT NULL
GROUP BY n.next
