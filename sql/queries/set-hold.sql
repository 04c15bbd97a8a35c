-- On a ring: writers of these sources need not ring again for a short while, for we will look when it ends.
-- $1: source ids, $2: the hold in ms
SELECT pg_catalog.setval(r.register,
         (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + $2::pg_catalog.int8)
FROM (SELECT pg_catalog.to_regclass('refresh_listener.hold_' || s) AS register
      FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS s) AS r
WHERE r.register IS NOT NULL
