-- Rows for closed buckets that are shown from now on, since their buckets were recomputed: they are no longer counted apart.
-- `bucket_type` stands for the type of the summary's bucket.
-- $1: view id, $2: the first bucket, $3: the last one, $4: instead of that the first that was not recomputed; may be null
WITH taken AS (
  DELETE FROM refresh_listener.late_bucket AS b
  WHERE b.view = $1 AND b.bucket::bucket_type >= $2::pg_catalog.text::bucket_type
    AND b.bucket::bucket_type <= $3::pg_catalog.text::bucket_type
    AND ($4::pg_catalog.text IS NULL OR b.bucket::bucket_type < $4::pg_catalog.text::bucket_type)
  RETURNING b.rows
)
SELECT coalesce(sum(t.rows), 0)::pg_catalog.int8 AS rows FROM taken AS t
