-- Which of these relations get their rows by logical replication? Its apply fires no statement trigger.
-- $1: oids
SELECT DISTINCT s.srrelid AS oid
FROM pg_catalog.pg_subscription_rel AS s
WHERE s.srrelid = ANY ($1::pg_catalog.oid[])
