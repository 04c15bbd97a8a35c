-- Which of these relations get their rows by logical replication, whose apply fires no statement trigger, and by which
-- subscriptions (quoted)? `running`: a process receives from the other server.
-- $1: oids
SELECT r.srrelid AS oid, pg_catalog.quote_ident(s.subname) AS subscription, s.subenabled AS enabled,
       EXISTS (SELECT FROM pg_catalog.pg_stat_subscription AS p WHERE p.subid = s.oid AND p.pid IS NOT NULL) AS running
FROM pg_catalog.pg_subscription_rel AS r
JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid
WHERE r.srrelid = ANY ($1::pg_catalog.oid[])
ORDER BY 2, 1
