-- What server is this, and who are we on it? Asked once a connection is up, and again in every sweep: a fail-over may
-- have put a standby, or another cluster, behind the same address.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS "versionNumber",
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_is_in_recovery() AS "inRecovery",
       pg_catalog.current_database() AS database,
       CURRENT_USER AS role,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS "mayCreateSchema",
       pg_catalog.to_regnamespace('refresh_listener') IS NOT NULL AS "schemaExists",
       (SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'refresh_listener')
         AS "schemaOwner",
       coalesce((SELECT pg_catalog.pg_has_role(n.nspowner, 'USAGE') FROM pg_catalog.pg_namespace AS n
                 WHERE n.nspname = 'refresh_listener'), false) AS "schemaOwned"
