-- Are our tables there, and has whatever made them come to its end? `complete`: a dump is restored table by table, first
-- the tables, then the rows, then indexes and triggers, and this foreign key as the last of ours: they come by name.
SELECT pg_catalog.to_regclass('refresh_listener.migration') IS NOT NULL
         AND pg_catalog.to_regclass('refresh_listener.cluster') IS NOT NULL AS "exists",
       EXISTS (SELECT FROM pg_catalog.pg_constraint AS f
               WHERE f.contype = 'f' AND f.conrelid = pg_catalog.to_regclass('refresh_listener.watermark')
                 AND f.confrelid = pg_catalog.to_regclass('refresh_listener.summary')) AS complete
