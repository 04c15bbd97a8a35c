-- How far the backfill of a summary has come, in the transaction of the batch that took it there.
-- $1: view id, $2: the next bucket; so far $3: buckets, $4 to $6: rows inserted, updated, deleted, $7: late rows
UPDATE refresh_listener.backfill AS b
SET next_bucket = $2, buckets = $3, inserted = $4, updated = $5, deleted = $6, late = $7
WHERE b.view = $1
