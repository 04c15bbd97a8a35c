-- Writes down how long views may be stale, for whoever asks how they stand. A row that somebody else has locked is left for the
-- next time: whoever called refresh() in a transaction keeps it until that ends.
-- $1: view ids, $2: their targets in ms
WITH free AS MATERIALIZED (
  SELECT v.id, t.target_ms
  FROM refresh_listener.view AS v
  JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.float8[])) AS t (id, target_ms) ON t.id = v.id
  ORDER BY v.id FOR NO KEY UPDATE OF v SKIP LOCKED
)
UPDATE refresh_listener.view AS v SET target_ms = free.target_ms
FROM free WHERE v.id = free.id
RETURNING v.id
