-- Begins anew in this cluster and database: oids, transaction ids and snapshots of another one mean nothing here. Triggers
-- came along, however; each gets a source again, so that those that nobody needs any more are found and removed.
DELETE FROM refresh_listener.view WHERE kind = 'matview';
-- What a summary is made of stands here alone, and its rows, its watermark and its gaps came along as of one moment: they
-- hold here too, under another oid. (Who held the gaps is gone here; so are the gaps once they have been looked into.)
-- Should its settings or anything else be in doubt, it is compared whole: it is marked.
UPDATE refresh_listener.view AS v
SET oid = pg_catalog.to_regclass(v.name)::pg_catalog.oid, cursor = pg_catalog.pg_current_snapshot(), whole_marks = v.whole_marks + 1,
    settle_xid = NULL, served_until = pg_catalog.clock_timestamp()
WHERE pg_catalog.to_regclass(v.name) IS NOT NULL;
DELETE FROM refresh_listener.view WHERE pg_catalog.to_regclass(name) IS NULL;
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
