-- How far has the backfill of a summary come that is under way? `startedAt` as text, since it tells one from another.
-- $1: view id
SELECT pg_catalog.extract('epoch', b.started_at)::pg_catalog.text AS "startedAt", b.from_bucket AS first, b.next_bucket AS next, b.to_bucket AS last,
       b.buckets, b.inserted, b.updated, b.deleted, b.late,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - b.started_at) * 1000 AS "ageMs"
FROM refresh_listener.backfill AS b
WHERE b.view = $1
