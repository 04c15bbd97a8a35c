-- What did the sources of these views look like when the views were absorbed last? `cursor` tells whether that is still
-- so when it is acted upon.
-- $1: view ids
SELECT vs.view, vs.source, vs.fingerprint, v.cursor::pg_catalog.text AS cursor
FROM refresh_listener.view_source AS vs
JOIN refresh_listener.view AS v ON v.id = vs.view
WHERE vs.view = ANY ($1::pg_catalog.int4[])
