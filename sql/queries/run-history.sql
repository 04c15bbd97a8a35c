-- What is on record of a view's refreshes? One row; `since`: when the oldest of them began, null when there is none. Times in ms,
-- of refreshes that succeeded: half took `medianMs` or less.
-- $1: view id
SELECT min(r.started_at) AS since, count(*) AS refreshes, count(*) FILTER (WHERE r.error IS NOT NULL) AS failures,
       pg_catalog.percentile_disc(0.5) WITHIN GROUP (ORDER BY r.duration_ms) FILTER (WHERE r.error IS NULL) AS "medianMs",
       max(r.duration_ms) FILTER (WHERE r.error IS NULL) AS "longestMs",
       max(r.staleness_ms) AS "worstStalenessMs"
FROM refresh_listener.run AS r
WHERE r.view = $1
