-- Deletes runs from the record that began longer ago than $1 ms, at most $2 of them.
DELETE FROM refresh_listener.run AS gone
WHERE gone.id = ANY (ARRAY(
  SELECT r.id FROM refresh_listener.run AS r
  WHERE r.started_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8 / 1000)
  LIMIT $2))
RETURNING gone.id
