-- In what state is our trigger on each source? `intact` says that it is what we create: AFTER INSERT OR UPDATE OR DELETE
-- OR TRUNCATE, for each statement (tgtype 60), our function, this source's id as its argument, and no condition.
-- `ours`: it calls a function of our schema; another trigger of the same name is somebody else's.
-- $1: oids of the sources' relations
SELECT s.oid, t.tgenabled AS enabled, p.pronamespace = pg_catalog.to_regnamespace('refresh_listener') AS ours,
       t.tgtype = 60 AND t.tgqual IS NULL AND t.tgattr = ''::pg_catalog.int2vector
         AND t.tgfoid = pg_catalog.to_regprocedure('refresh_listener.record_change()')
         AND t.tgargs = pg_catalog.convert_to(s.id::pg_catalog.text, 'UTF8') || pg_catalog.decode('00', 'hex') AS intact
FROM refresh_listener.source AS s
JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = s.oid AND t.tgname = 'refresh_listener' AND NOT t.tgisinternal
JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
WHERE s.oid = ANY ($1::pg_catalog.oid[])
