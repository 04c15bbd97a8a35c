-- Gives one relation its number and its two registers, the sequences log_<number> and hold_<number>. No lock on it.
CREATE OR REPLACE FUNCTION refresh_listener.install_source(source_name text, lapse_ms bigint) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $function$
DECLARE
  found_name text;
  source_id integer;
  log_register text;
  hold_register text;
BEGIN
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) INTO found_name
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass(source_name);
  IF found_name IS NULL THEN
    RAISE EXCEPTION '% does not exist in this database', source_name
      USING HINT = 'Print this script anew, from a database with the same tables and views.';
  END IF;
  SELECT s.id INTO source_id FROM refresh_listener.source AS s WHERE s.name = found_name AND s.oid = pg_catalog.to_regclass(source_name);
  IF source_id IS NULL THEN
    INSERT INTO refresh_listener.source AS s (oid, name) VALUES (pg_catalog.to_regclass(source_name), found_name)
    ON CONFLICT (oid) DO UPDATE SET name = excluded.name
    RETURNING s.id INTO source_id;
  END IF;
  log_register := 'refresh_listener.log_' || source_id;
  hold_register := 'refresh_listener.hold_' || source_id;
  IF pg_catalog.to_regclass(log_register) IS NULL THEN
    EXECUTE 'CREATE SEQUENCE ' || log_register || ' MINVALUE 0';
  END IF;
  IF pg_catalog.to_regclass(hold_register) IS NULL THEN
    EXECUTE 'CREATE SEQUENCE ' || hold_register || ' MINVALUE 0';
  END IF;
  -- Until when writers record their changes, should no worker ever come: an abandoned log must not fill the disk.
  IF pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass(log_register)) IS NULL THEN
    PERFORM pg_catalog.setval(pg_catalog.to_regclass(log_register),
      (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + lapse_ms);
  END IF;
  -- The bell is silent (0): nobody listens before a worker comes, and that makes it live.
  IF pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass(hold_register)) IS NULL THEN
    PERFORM pg_catalog.setval(pg_catalog.to_regclass(hold_register), 0);
  END IF;
END
$function$;

-- Registers one view and links it to what it reads here, partitions included. The worker's first refresh brings it up to
-- date. A summary is registered as it is created; what it reads is told by its definition.
CREATE OR REPLACE FUNCTION refresh_listener.install_view(view_name text, lapse_ms bigint) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $function$
DECLARE
  view_oid oid;
  defined_by oid;
  found_name text;
  view_id integer;
  missed record;
BEGIN
  SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname),
         CASE WHEN c.relkind = 'm' THEN c.oid
              ELSE (SELECT pg_catalog.to_regclass('refresh_listener.definition_' || v.id)::pg_catalog.oid
                    FROM refresh_listener.view AS v WHERE v.oid = c.oid AND v.kind = 'summary') END
  INTO view_oid, found_name, defined_by
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass(view_name) AND c.relkind IN ('m', 'r');
  IF defined_by IS NULL THEN
    RAISE EXCEPTION '% is not a materialized view of this database, nor a summary', view_name
      USING HINT = 'Print this script anew, from a database with the same tables and views. The SQL of a summary is written by: listener summary create --print.';
  END IF;
  FOR missed IN
    SELECT v.oid, v.name, v.is_child FROM refresh_listener.install_view_sources(ARRAY[defined_by]) AS v
    WHERE NOT EXISTS (SELECT FROM refresh_listener.source AS s WHERE s.oid = v.oid AND s.name = v.name)
    ORDER BY v.name
  LOOP
    -- Partitions differ from database to database. Anything else was not there for whoever reviewed this script.
    IF NOT missed.is_child THEN
      RAISE EXCEPTION '% reads % in this database, of which this script knows nothing', view_name, missed.name
        USING HINT = 'Print this script anew, from a database with the same tables and views.';
    END IF;
    PERFORM refresh_listener.install_source(missed.name, lapse_ms);
  END LOOP;
  SELECT v.id INTO view_id FROM refresh_listener.view AS v WHERE v.oid = view_oid AND v.name = found_name;
  IF view_id IS NULL THEN
    INSERT INTO refresh_listener.view AS v (oid, name, served_until) VALUES (view_oid, found_name, pg_catalog.clock_timestamp())
    ON CONFLICT (oid) DO UPDATE SET name = excluded.name
    RETURNING v.id INTO view_id;
  ELSE
    UPDATE refresh_listener.view AS v SET served_until = pg_catalog.clock_timestamp()
    WHERE v.id = view_id AND v.served_until < pg_catalog.clock_timestamp();
  END IF;
  PERFORM refresh_listener.install_links(
    view_id,
    ARRAY(SELECT s.id FROM refresh_listener.install_view_sources(ARRAY[defined_by]) AS v
          JOIN refresh_listener.source AS s ON s.oid = v.oid),
    (SELECT d.definition FROM refresh_listener.install_view_definitions(ARRAY[defined_by]) AS d));
END
$function$;

-- Creates the trigger on each table that has none: all of them, or none. It waits 200ms at most for the running writers
-- of a table, then lets go of all the tables, so that everybody gets on, and tries again; for a minute altogether.
CREATE OR REPLACE FUNCTION refresh_listener.install_triggers() RETURNS void
LANGUAGE plpgsql SET search_path = '' SET lock_timeout = '200ms' AS $function$
DECLARE
  target record;
  deadline constant timestamptz := pg_catalog.clock_timestamp() + interval '1 minute';
BEGIN
  LOOP
    BEGIN
      FOR target IN
        SELECT s.id, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.owned,
               p.pronamespace <> pg_catalog.to_regnamespace('refresh_listener') AS is_foreign
        FROM refresh_listener.source AS s
        JOIN (SELECT oid, relname, relnamespace, relkind, pg_catalog.pg_has_role(relowner, 'USAGE') AS owned
              FROM pg_catalog.pg_class) AS c ON c.oid = s.oid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = s.oid AND t.tgname = 'refresh_listener' AND NOT t.tgisinternal
        LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
        WHERE c.relkind IN ('r', 'p')
          AND EXISTS (SELECT FROM refresh_listener.view_source AS vs WHERE vs.source = s.id)
          AND (t.oid IS NULL
               OR (t.tgenabled = 'A' OR (t.tgenabled = 'O' AND NOT c.owned)) IS NOT TRUE
               OR (t.tgtype = 60 AND t.tgqual IS NULL AND t.tgattr = ''::pg_catalog.int2vector
                   AND t.tgfoid = pg_catalog.to_regprocedure('refresh_listener.record_change()')
                   AND t.tgargs = pg_catalog.convert_to(s.id::pg_catalog.text, 'UTF8') || pg_catalog.decode('00', 'hex')) IS NOT TRUE)
        ORDER BY s.id
      LOOP
        IF target.is_foreign THEN
          RAISE EXCEPTION '% has a trigger named refresh_listener that is not ours', target.name
            USING HINT = 'Rename it.';
        END IF;
        EXECUTE pg_catalog.format(
          'CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
          'FOR EACH STATEMENT EXECUTE FUNCTION refresh_listener.record_change(%L)', target.name, target.id);
        -- Also under session_replication_role = replica. Only the owner of a table may say so.
        IF target.owned THEN
          EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refresh_listener', target.name);
        END IF;
        -- Whatever happened before the trigger was there went unseen: the views over the table are refreshed once.
        INSERT INTO refresh_listener.change_log (source, operation) VALUES (target.id, 'T');
      END LOOP;
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF pg_catalog.clock_timestamp() > deadline THEN
        RAISE EXCEPTION 'Writers of % kept its trigger from being created for a minute', target.name
          USING ERRCODE = 'lock_not_available', HINT = 'Run this again at a quieter moment.';
      END IF;
    END;
    PERFORM pg_catalog.pg_sleep(0.1 + pg_catalog.random() * 0.4);
  END LOOP;
END
$function$;

-- Lets a role refresh a view that it does not own.
CREATE OR REPLACE FUNCTION refresh_listener.install_grants(view_name text, role_name text) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $function$
DECLARE
  target record;
  source_name text;
BEGIN
  SELECT c.oid, c.relowner, n.oid AS schema_oid, n.nspname,
         (SELECT v.id FROM refresh_listener.view AS v WHERE v.oid = c.oid AND v.kind = 'summary') AS summary INTO target
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass(view_name);
  IF NOT pg_catalog.has_schema_privilege(role_name, target.schema_oid, 'USAGE') THEN
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', target.nspname, role_name);
  END IF;
  IF pg_catalog.pg_has_role(role_name, target.relowner, 'USAGE') THEN
    RETURN;
  END IF;
  IF target.summary IS NOT NULL THEN
    -- The worker reads new rows of the source itself, and writes what they change.
    EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', view_name, role_name);
    EXECUTE pg_catalog.format('GRANT SELECT ON refresh_listener.definition_%s TO %I', target.summary, role_name);
    EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON refresh_listener.fill_%s TO %I', target.summary, role_name);
    FOR source_name IN
      SELECT v.name
      FROM refresh_listener.install_view_sources(ARRAY[
             pg_catalog.to_regclass('refresh_listener.definition_' || target.summary)::pg_catalog.oid]) AS v
      WHERE NOT v.is_child AND NOT pg_catalog.has_table_privilege(role_name, v.oid, 'SELECT')
    LOOP
      EXECUTE pg_catalog.format('GRANT SELECT ON %s TO %I', source_name, role_name);
    END LOOP;
    RETURN;
  END IF;
  IF pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000 THEN
    RAISE WARNING '% may not refresh % yet: before PostgreSQL 17 only the owner may', role_name, view_name
      USING HINT = pg_catalog.format('Run: GRANT %I TO %I; or: ALTER MATERIALIZED VIEW %s OWNER TO %I;',
                                     pg_catalog.pg_get_userbyid(target.relowner), role_name, view_name, role_name);
  ELSE
    -- The worker also reads the view, to find out whether a refresh changed it.
    EXECUTE pg_catalog.format('GRANT SELECT, MAINTAIN ON %s TO %I', view_name, role_name);
  END IF;
END
$function$;
