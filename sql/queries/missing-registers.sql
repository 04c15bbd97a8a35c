-- Which of these sources have no row, or lack a register?
-- $1: oids of their relations
SELECT n.oid
FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS n (oid)
WHERE NOT EXISTS (SELECT FROM refresh_listener.source AS s
                  WHERE s.oid = n.oid
                    AND pg_catalog.to_regclass('refresh_listener.log_' || s.id) IS NOT NULL
                    AND pg_catalog.to_regclass('refresh_listener.hold_' || s.id) IS NOT NULL)
