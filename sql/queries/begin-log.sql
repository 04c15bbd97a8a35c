-- Begins anew in this cluster and database: oids, transaction ids and snapshots of another one mean nothing here. Triggers
-- came along, however; each gets a source again, so that those that nobody needs any more are found and removed.
DELETE FROM refresh_listener.view;
DELETE FROM refresh_listener.view_source;
DELETE FROM refresh_listener.source;
DELETE FROM refresh_listener.change_log WHERE source <> 0;
INSERT INTO refresh_listener.source (oid, name)
SELECT DISTINCT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.tgfoid = pg_catalog.to_regprocedure('refresh_listener.record_change()');
-- Restored without their privileges (--no-acl) they may be called by everybody, as functions may by default.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA refresh_listener FROM PUBLIC;
INSERT INTO refresh_listener.cluster AS c (system_identifier, database_oid)
SELECT s.system_identifier, d.oid
FROM pg_catalog.pg_control_system() AS s
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
ON CONFLICT (singleton) DO UPDATE
SET system_identifier = excluded.system_identifier, database_oid = excluded.database_oid;
