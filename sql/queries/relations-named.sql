-- What else bears this name? For the remedy when a name on the allowlist is no materialized view.
-- $1: relation name
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS schema, c.relkind AS kind
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'f')
