-- Which views does a worker serve now? Its lease lasts for a few sweeps after its end.
SELECT v.name
FROM refresh_listener.view AS v
WHERE v.served_until > pg_catalog.clock_timestamp()
ORDER BY v.name
