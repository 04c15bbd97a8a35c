-- Which replication slots has nobody used for long, that keep vacuum from removing dead rows, and WAL from being recycled?
-- $1: so many transactions
SELECT s.slot_name AS name, coalesce(s.database, '') AS database,
       greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) AS transactions
FROM pg_catalog.pg_replication_slots AS s
WHERE NOT s.active AND greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) >= $1::pg_catalog.int8
ORDER BY transactions DESC
