-- No worker has ever set the hold of these sources: until one does, nobody listens, and the bell need not ring.
-- $1: source ids
SELECT pg_catalog.setval(r.register, 0)
FROM (SELECT pg_catalog.to_regclass('refresh_listener.hold_' || s) AS register
      FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS s) AS r
WHERE r.register IS NOT NULL AND pg_catalog.pg_sequence_last_value(r.register) IS NULL
