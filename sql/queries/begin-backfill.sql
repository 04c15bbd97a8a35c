-- Begins the backfill of a summary, or goes on with the one that is there; in the shape of backfill-row.sql. One that goes on
-- keeps when it began, and what it has done.
-- $1: view id, $2: the first bucket, $3: the next one, $4: the last, $5: whether it goes on
INSERT INTO refresh_listener.backfill AS b (view, from_bucket, next_bucket, to_bucket)
VALUES ($1, $2, $3, $4)
ON CONFLICT (view) DO UPDATE
SET from_bucket = excluded.from_bucket, next_bucket = excluded.next_bucket, to_bucket = excluded.to_bucket,
    started_at = CASE WHEN $5::pg_catalog.bool THEN b.started_at ELSE pg_catalog.clock_timestamp() END,
    buckets = CASE WHEN $5::pg_catalog.bool THEN b.buckets ELSE 0 END, inserted = CASE WHEN $5::pg_catalog.bool THEN b.inserted ELSE 0 END,
    updated = CASE WHEN $5::pg_catalog.bool THEN b.updated ELSE 0 END, deleted = CASE WHEN $5::pg_catalog.bool THEN b.deleted ELSE 0 END,
    late = CASE WHEN $5::pg_catalog.bool THEN b.late ELSE 0 END
RETURNING pg_catalog.extract('epoch', b.started_at)::pg_catalog.text AS "startedAt", b.from_bucket AS first, b.next_bucket AS next, b.to_bucket AS last,
          b.buckets, b.inserted, b.updated, b.deleted, b.late, 0 AS "ageMs"
