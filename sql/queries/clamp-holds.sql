-- Silence (0) is a leftover of polling mode or of an installation, a hold beyond the longest one is one of a restored dump
-- or of a clock that jumped. The bell must ring again.
-- $1: source ids, $2: the longest hold in ms
SELECT r.source, pg_catalog.setval(r.register, r.now_ms) AS value
FROM (SELECT s AS source, pg_catalog.to_regclass('refresh_listener.hold_' || s) AS register,
             (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 AS now_ms
      FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS s) AS r
WHERE r.register IS NOT NULL
  AND (pg_catalog.pg_sequence_last_value(r.register) = 0
       OR pg_catalog.pg_sequence_last_value(r.register) > r.now_ms + $2::pg_catalog.int8)
