-- For whom are rows not counted in this database, by settings of roles and databases? Null: for all roles, in all databases.
-- Quoted. A role's setting in this database beats its general one, and that of the database.
WITH said AS (
  SELECT s.setrole, s.setdatabase, pg_catalog.split_part(c.setting, '=', 2)::pg_catalog.bool AS counts
  FROM pg_catalog.pg_db_role_setting AS s
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
  WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
    AND pg_catalog.split_part(c.setting, '=', 1) = 'track_counts'
)
SELECT CASE WHEN said.setrole <> 0 THEN pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(said.setrole)) END AS role,
       CASE WHEN said.setdatabase <> 0 THEN pg_catalog.quote_ident(pg_catalog.current_database()) END AS database
FROM said
WHERE NOT said.counts
  AND NOT EXISTS (SELECT FROM said AS closer
                  WHERE said.setrole <> 0 AND said.setdatabase = 0 AND closer.setrole = said.setrole AND closer.setdatabase <> 0 AND closer.counts)
ORDER BY 2 NULLS FIRST, 1
