-- May this role read what the worker keeps? One that merely looks on needs a grant for it.
SELECT coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('refresh_listener')::pg_catalog.oid, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c
                       WHERE c.relnamespace = pg_catalog.to_regnamespace('refresh_listener') AND c.relkind = 'r'
                         AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')), false) AS readable
