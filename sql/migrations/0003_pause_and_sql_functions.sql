-- What people do by hand: pause a view, and refresh, mark and ask from SQL.
-- Safe under running workers: columns that are NULL in every row are added without a rewrite, under a lock of a moment on a
-- table of ours; the functions are new.

-- paused_at: since when the view is left alone; null: it is not. absorbed_at: when the transaction of the last absorb began,
-- which is what now() and current_date were in it: views that read the clock come due by it.
ALTER TABLE refresh_listener.view ADD COLUMN paused_at timestamptz, ADD COLUMN absorbed_at timestamptz;

-- What does each source look like now? One definition, for the worker and for refresh() below. All of it may be read
-- without a privilege and costs writers nothing.
--   file      relfilenode: a rewrite, a TRUNCATE, a plain REFRESH
--   children  the set of partitions, each as of its last ATTACH: one that is attached again was away meanwhile
--   columns   pg_attribute and the labels of enums: ADD COLUMN ... DEFAULT, a renamed label
--   rows      attempted inserts, updates and deletes, rolled-back ones included
--   commits   how often analyzed, and rows changed since, which only a commit adds to: it tells a rollback from a change
CREATE FUNCTION refresh_listener.fingerprints(sources integer[])
RETURNS TABLE (id integer, fingerprint jsonb)
LANGUAGE sql STABLE AS $function$
  SELECT s.id,
         pg_catalog.jsonb_build_object(
           'file', c.relfilenode::pg_catalog.int8,
           'children', (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(i.inhrelid, ':', i.xmin), ',' ORDER BY i.inhrelid))
                        FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid),
           'columns', (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(',', a.attnum, a.attname, a.atttypid,
                                a.atttypmod, a.attisdropped, a.attmissingval::pg_catalog.text,
                                (SELECT pg_catalog.string_agg(pg_catalog.concat(e.enumlabel, ':', e.xmin), ',' ORDER BY e.enumsortorder)
                                 FROM pg_catalog.pg_enum AS e
                                 WHERE e.enumtypid IN (t.oid, t.typelem, t.typbasetype))), ';' ORDER BY a.attnum))
                       FROM pg_catalog.pg_attribute AS a
                       LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typtype IN ('e', 'b', 'd')
                                                        AND (t.typtype <> 'b' OR t.typelem <> 0)
                       WHERE a.attrelid = c.oid AND a.attnum > 0),
           'rows', pg_catalog.concat_ws(',', pg_catalog.pg_stat_get_tuples_inserted(c.oid),
                     pg_catalog.pg_stat_get_tuples_updated(c.oid), pg_catalog.pg_stat_get_tuples_deleted(c.oid)),
           'commits', pg_catalog.concat_ws(',', pg_catalog.pg_stat_get_analyze_count(c.oid)
                     + pg_catalog.pg_stat_get_autoanalyze_count(c.oid), pg_catalog.pg_stat_get_mod_since_analyze(c.oid))
         )
  FROM refresh_listener.source AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.oid
  WHERE s.id = ANY ($1)
$function$;

-- The functions for people are SECURITY DEFINER: whoever is granted EXECUTE (and USAGE on the schema) may call them
-- without any right on the tables. Nothing is granted to PUBLIC. A relation is a regclass, so that the caller's
-- search_path decides what 'mv' means. Their own names pg_temp last: left out, it comes first for relations and types, and a
-- temporary domain of the caller's, named text, would have its CHECK run with our rights. Relations and types are
-- qualified besides.

-- The id of a view that somebody names, or an error that says what to do.
CREATE FUNCTION refresh_listener.registered_view(relation pg_catalog.regclass) RETURNS pg_catalog.int4
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  view_id pg_catalog.int4;
  kind pg_catalog."char";
BEGIN
  IF relation IS NULL THEN
    RAISE EXCEPTION 'no view is named: the argument is NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  SELECT v.id INTO view_id FROM refresh_listener.view AS v WHERE v.oid = relation;
  IF view_id IS NOT NULL THEN
    RETURN view_id;
  END IF;
  SELECT c.relkind INTO kind FROM pg_catalog.pg_class AS c WHERE c.oid = relation;
  IF kind <> 'm' THEN
    RAISE EXCEPTION '% is not a materialized view', relation
      USING ERRCODE = 'wrong_object_type', HINT = 'It always shows what its tables hold: only a materialized view needs a refresh.';
  END IF;
  RAISE EXCEPTION 'view % is not served by any listener', relation
    USING ERRCODE = 'undefined_object', HINT = 'Put it on the --views of a worker, or run: listener install --views ...';
END
$function$;

-- Is this view not known to be fresh? The one rule of sql/queries/stale-views.sql, and the doubts that a worker settles when
-- it comes: a transaction that may have gone unlogged still runs; the triggers do not append any more, since nobody has
-- served the view for long; a crash emptied the log; log and cursors came from another cluster.
CREATE FUNCTION refresh_listener.is_doubtful(view_id pg_catalog.int4) RETURNS pg_catalog.bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT v.whole_marks > v.whole_absorbed OR v.settle_xid IS NOT NULL OR NOT c.relispopulated
      OR (v.kind = 'summary' AND NOT EXISTS (SELECT FROM refresh_listener.summary AS f WHERE f.view = v.id AND f.filled_at IS NOT NULL))
      OR EXISTS (SELECT FROM refresh_listener.view_source AS vs
                 WHERE vs.view = v.id
                   AND pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('refresh_listener.log_' || vs.source))
                         <= pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)
      OR NOT EXISTS (SELECT FROM refresh_listener.change_log AS l WHERE l.xid = '0'::pg_catalog.xid8 AND l.source = 0)
      OR NOT EXISTS (SELECT FROM refresh_listener.cluster AS k
                     JOIN pg_catalog.pg_control_system() AS s ON s.system_identifier = k.system_identifier
                     JOIN pg_catalog.pg_database AS d ON d.oid = k.database_oid
                     WHERE d.datname = pg_catalog.current_database())
      OR (SELECT true
          FROM (
            ((SELECT l.xid FROM refresh_listener.change_log AS l
              WHERE l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))
                AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
              LIMIT 1)
             UNION ALL
             (SELECT l.xid FROM refresh_listener.change_log AS l
              WHERE l.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
                AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
              ORDER BY l.xid LIMIT 1))
          ) AS l
          LIMIT 1) IS NOT NULL
  FROM refresh_listener.view AS v
  JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
  WHERE v.id = $1
$function$;

-- Does the view show all that this statement can see? True right after a commit means read-your-writes; in a transaction that
-- wrote it is false, for the cursor cannot tell what that may still write. A view over a view asks upwards, too.
CREATE FUNCTION refresh_listener.is_fresh(view pg_catalog.regclass) RETURNS pg_catalog.bool
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN (
    WITH RECURSIVE wanted (id) AS (
      SELECT refresh_listener.registered_view(is_fresh.view)
      UNION
      SELECT upstream.id
      FROM wanted
      JOIN refresh_listener.view_source AS vs ON vs.view = wanted.id
      JOIN refresh_listener.source AS s ON s.id = vs.source
      JOIN refresh_listener.view AS upstream ON upstream.oid = s.oid
    )
    SELECT NOT pg_catalog.bool_or(refresh_listener.is_doubtful(wanted.id)) FROM wanted);
END
$function$;

-- Tells that a relation changed in a way that no trigger saw: after a load under session_replication_role = replica, say.
-- The views that read it are absorbed once this transaction has committed.
CREATE FUNCTION refresh_listener.mark_changed(relation pg_catalog.regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  source_id pg_catalog.int4;
BEGIN
  IF mark_changed.relation IS NULL THEN
    RAISE EXCEPTION 'no relation is named: the argument is NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  SELECT s.id INTO source_id FROM refresh_listener.source AS s WHERE s.oid = mark_changed.relation;
  IF source_id IS NULL THEN
    RAISE EXCEPTION 'no view that a listener serves reads %', mark_changed.relation
      USING ERRCODE = 'undefined_object', HINT = 'listener explain NAME lists what a view reads.';
  END IF;
  INSERT INTO refresh_listener.change_log (source, operation) VALUES (source_id, 'T');
  PERFORM pg_catalog.pg_notify('refresh_listener', source_id::pg_catalog.text);
END
$function$;

-- Absorbs a view in the caller's transaction: the same lock, cursor and record as the worker's. It waits for an absorb
-- that runs. The view keeps its locks until the caller commits. Views that it reads are not refreshed: call it for them first.
--
-- Unlike the worker's, the caller's transaction may have written before, and may write after. Its own id must not count as
-- absorbed, or what it writes after this would be: it is put among those in progress, at the cost of one more refresh.
-- Under REPEATABLE READ refresh and cursor both see the transaction's snapshot; if somebody absorbed since, it fails with
-- a serialization error as any update would. How the sources look now says nothing of that snapshot, so that a change no
-- trigger saw could pass for absorbed: the view stays marked, at the cost of one more refresh, too.
--
-- What decides how values look must not be the caller's (JDBC, for one, sets TimeZone): a day would begin elsewhere. It is
-- what the owner's role has by ALTER ROLE and ALTER DATABASE, else what the session had that installed this. So is the
-- search_path, by which functions that the definition calls may find what they call.
--
-- Returns how: 'concurrent' or 'plain', or 'fresh' when there was nothing to absorb (and `force` is not given).
CREATE FUNCTION refresh_listener.refresh(view pg_catalog.regclass, force pg_catalog.bool DEFAULT false) RETURNS pg_catalog.text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
SET "TimeZone" FROM CURRENT SET "DateStyle" FROM CURRENT SET "IntervalStyle" FROM CURRENT SET extra_float_digits FROM CURRENT
SET bytea_output FROM CURRENT SET default_text_search_config FROM CURRENT SET xmlbinary FROM CURRENT SET xmloption FROM CURRENT
SET array_nulls FROM CURRENT SET transform_null_equals FROM CURRENT SET gin_fuzzy_search_limit FROM CURRENT
AS $function$
DECLARE
  absorb_lock CONSTANT pg_catalog.int4 := 1911805101;
  -- Those of the SET clauses above, which end with this function.
  pinned CONSTANT pg_catalog.text[] := ARRAY['TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output',
    'default_text_search_config', 'xmlbinary', 'xmloption', 'array_nulls', 'transform_null_equals', 'gin_fuzzy_search_limit'];
  own_xid CONSTANT pg_catalog.xid8 := pg_catalog.pg_current_xact_id_if_assigned();
  view_id CONSTANT pg_catalog.int4 := refresh_listener.registered_view(refresh.view);
  forced CONSTANT pg_catalog.bool := coalesce(refresh.force, false);
  began_at pg_catalog.timestamptz;
  state pg_catalog.record;
  pending pg_catalog.record;
  target pg_catalog.record;
  setting pg_catalog.record;
  looks pg_catalog.jsonb;
  absorbed pg_catalog.pg_snapshot;
  of_the_moment pg_catalog.bool;
  search_path_of_owner pg_catalog.text := '"$user", public';
  statement pg_catalog.text;
  written_before pg_catalog.int8[];
  written pg_catalog.int8[];
  own_source pg_catalog.int4;
  took_ms pg_catalog.float8;
  staleness_ms pg_catalog.float8;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(absorb_lock, view_id);
  began_at := pg_catalog.clock_timestamp();
  of_the_moment := pg_catalog.current_setting('transaction_isolation') IN ('read committed', 'read uncommitted');
  IF NOT of_the_moment THEN
    -- If it is to fail, then before the work: and from here on no sweep that renews its lease comes in between.
    PERFORM FROM refresh_listener.view AS v WHERE v.id = view_id FOR NO KEY UPDATE;
  END IF;

  -- In this order, as the worker does: links and fingerprints, snapshot, refresh.
  SELECT v.whole_marks, v.whole_marks > v.whole_absorbed AS whole, v.cursor, v.paused_at, v.kind,
         ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id) AS sources
  INTO state FROM refresh_listener.view AS v WHERE v.id = view_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'view % is not served any more', refresh.view USING ERRCODE = 'undefined_object';
  END IF;
  IF state.kind = 'summary' THEN
    RAISE EXCEPTION '% is a summary, which only a listener can bring up to date', refresh.view
      USING ERRCODE = 'feature_not_supported', HINT = 'Run: listener refresh NAME; or mark_changed() of its source, and a worker will.';
  END IF;
  IF state.paused_at IS NOT NULL AND NOT forced THEN
    RAISE EXCEPTION 'view % is paused', refresh.view
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'listener resume, or refresh(..., force => true).';
  END IF;
  SELECT pg_catalog.jsonb_object_agg(f.id, f.fingerprint) INTO looks FROM refresh_listener.fingerprints(state.sources) AS f;
  absorbed := pg_catalog.pg_current_snapshot();
  IF own_xid < pg_catalog.pg_snapshot_xmax(absorbed) THEN
    SELECT pg_catalog.concat(least(pg_catalog.pg_snapshot_xmin(absorbed), own_xid), ':', pg_catalog.pg_snapshot_xmax(absorbed), ':',
                             pg_catalog.string_agg(x.xid::pg_catalog.text, ',' ORDER BY x.xid))::pg_catalog.pg_snapshot
    INTO absorbed
    FROM (SELECT xip FROM pg_catalog.pg_snapshot_xip(absorbed) AS xip UNION SELECT own_xid) AS x (xid);
  END IF;
  IF NOT forced AND NOT refresh_listener.is_doubtful(view_id) THEN
    RETURN 'fresh';
  END IF;

  -- Of a view that is marked whole nobody knows what changed, nor since when.
  SELECT coalesce(pg_catalog.array_agg(DISTINCT s.name), '{}') AS sources, min(l.changed_at) AS oldest
  INTO pending
  FROM refresh_listener.change_log AS l
  JOIN refresh_listener.source AS s ON s.id = l.source
  WHERE (l.xid >= pg_catalog.pg_snapshot_xmax(state.cursor)
         OR l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(state.cursor))))
    AND l.source = ANY (state.sources) AND NOT state.whole;
  -- What can be refreshed CONCURRENTLY: as in sql/queries/refresh-target.sql.
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
         CASE WHEN c.relispopulated AND EXISTS (
           SELECT FROM pg_catalog.pg_index AS i
           JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
           JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam AND am.amname = 'btree'
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
             AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) AS k WHERE k < 1)
         ) THEN 'concurrent' ELSE 'plain' END AS plan
  INTO target
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = refresh.view;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'view % is no longer there', refresh.view USING ERRCODE = 'undefined_table';
  END IF;

  FOR setting IN
    SELECT DISTINCT ON (o.option_name) o.option_name AS name, o.option_value AS value
    FROM pg_catalog.pg_db_role_setting AS r
    CROSS JOIN LATERAL pg_catalog.pg_options_to_table(r.setconfig) AS o
    WHERE r.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
      AND r.setrole IN (0, (SELECT a.oid FROM pg_catalog.pg_roles AS a WHERE a.rolname = current_user))
    ORDER BY o.option_name, r.setrole = 0, r.setdatabase = 0
  LOOP
    IF setting.name = 'search_path' THEN
      search_path_of_owner := setting.value;
    ELSIF setting.name = ANY (pinned) THEN
      PERFORM pg_catalog.set_config(setting.name, setting.value, true);
    END IF;
  END LOOP;
  written_before := ARRAY[pg_catalog.pg_stat_get_xact_tuples_inserted(refresh.view), pg_catalog.pg_stat_get_xact_tuples_updated(refresh.view),
                          pg_catalog.pg_stat_get_xact_tuples_deleted(refresh.view)];
  statement := pg_catalog.concat('REFRESH MATERIALIZED VIEW ', CASE target.plan WHEN 'concurrent' THEN 'CONCURRENTLY ' END, target.name);
  -- While this is in force no expression of ours is evaluated. The caller's temporary objects come last here, too.
  PERFORM pg_catalog.set_config('search_path', pg_catalog.concat(search_path_of_owner, ', pg_temp'), true);
  EXECUTE statement;
  SET LOCAL search_path = pg_catalog, pg_temp;
  -- The refresh has locked what it refreshed: from here on the name cannot move any more.
  IF pg_catalog.to_regclass(target.name) IS DISTINCT FROM refresh.view THEN
    RAISE EXCEPTION '% was renamed while its refresh began', target.name USING ERRCODE = 'serialization_failure';
  END IF;
  -- A plain refresh begins to count anew, whatever the transaction has written before.
  written := ARRAY[greatest(0, pg_catalog.pg_stat_get_xact_tuples_inserted(refresh.view) - written_before[1]),
                   greatest(0, pg_catalog.pg_stat_get_xact_tuples_updated(refresh.view) - written_before[2]),
                   greatest(0, pg_catalog.pg_stat_get_xact_tuples_deleted(refresh.view) - written_before[3])];

  -- Views over this one become stale by the one rule. A plain refresh is not compared with what was there: it may have
  -- changed. With track_counts off nothing is counted.
  SELECT s.id INTO own_source FROM refresh_listener.source AS s
  WHERE s.oid = refresh.view AND EXISTS (SELECT FROM refresh_listener.view_source AS vs WHERE vs.source = s.id);
  IF own_source IS NOT NULL
     AND (target.plan = 'plain' OR 0 < ANY (written) OR pg_catalog.current_setting('track_counts') <> 'on')
  THEN
    INSERT INTO refresh_listener.change_log (source, operation, changed_at)
    VALUES (own_source, 'T', coalesce(pending.oldest, pg_catalog.clock_timestamp()));
    PERFORM pg_catalog.pg_notify('refresh_listener', own_source::pg_catalog.text);
  END IF;
  PERFORM pg_catalog.pg_stat_force_next_flush();

  IF of_the_moment THEN
    UPDATE refresh_listener.view_source AS vs SET fingerprint = looks -> vs.source::pg_catalog.text
    WHERE vs.view = view_id AND looks ? vs.source::pg_catalog.text;
  ELSE
    PERFORM pg_catalog.pg_notify('refresh_listener', pg_catalog.concat('view ', view_id));
  END IF;
  took_ms := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - began_at) * 1000;
  staleness_ms := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pending.oldest) * 1000;
  UPDATE refresh_listener.view AS v
  SET cursor = absorbed,
      whole_marks = v.whole_marks + CASE WHEN of_the_moment THEN 0 ELSE 1 END,
      whole_absorbed = greatest(v.whole_absorbed, state.whole_marks),
      settle_xid = CASE WHEN v.settle_xid <= pg_catalog.pg_snapshot_xmin(absorbed) THEN NULL ELSE v.settle_xid END,
      absorbed_at = pg_catalog.now(), last_success = pg_catalog.clock_timestamp(), last_duration_ms = took_ms, last_error = NULL, consecutive_failures = 0
  WHERE v.id = view_id AND v.cursor::pg_catalog.text = state.cursor::pg_catalog.text;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the cursor of % was moved by somebody else meanwhile', refresh.view USING ERRCODE = 'serialization_failure';
  END IF;
  INSERT INTO refresh_listener.run (view, plan, reason, started_at, duration_ms, inserted, updated, deleted, staleness_ms, sources)
  VALUES (view_id, target.plan, 'manual', began_at, took_ms, written[1], written[2], written[3], staleness_ms, pending.sources);
  RETURN target.plan;
END
$function$;

REVOKE ALL ON FUNCTION refresh_listener.fingerprints(pg_catalog.int4[]), refresh_listener.registered_view(pg_catalog.regclass),
  refresh_listener.is_doubtful(pg_catalog.int4), refresh_listener.is_fresh(pg_catalog.regclass),
  refresh_listener.mark_changed(pg_catalog.regclass), refresh_listener.refresh(pg_catalog.regclass, pg_catalog.bool) FROM PUBLIC;
