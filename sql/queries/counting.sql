-- Does the server count rows, and where was that decided?
SELECT s.setting AS "trackCounts", s.source, pg_catalog.quote_ident(pg_catalog.current_database()) AS database,
       pg_catalog.quote_ident(CURRENT_USER) AS role
FROM pg_catalog.pg_settings AS s
WHERE s.name = 'track_counts'
