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
-- search_path decides what 'mv' means, and their own search_path is empty.

-- Does the view show all that this transaction can see? True right after a commit means read-your-writes. A view over a
-- view asks upwards, too.
CREATE FUNCTION refresh_listener.is_fresh(view regclass) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $function$
DECLARE
  fresh boolean;
BEGIN
  WITH RECURSIVE wanted (id) AS (
    SELECT v.id FROM refresh_listener.view AS v WHERE v.oid = is_fresh.view
    UNION
    SELECT upstream.id
    FROM wanted
    JOIN refresh_listener.view_source AS vs ON vs.view = wanted.id
    JOIN refresh_listener.source AS s ON s.id = vs.source
    JOIN refresh_listener.view AS upstream ON upstream.oid = s.oid
  )
  SELECT pg_catalog.bool_and(
           v.whole_marks = v.whole_absorbed AND c.relispopulated
           AND coalesce(v.settle_xid > pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), true)
           AND NOT EXISTS (
             SELECT FROM refresh_listener.change_log AS l
             WHERE l.xid >= pg_catalog.pg_snapshot_xmin(v.cursor)
               AND NOT pg_catalog.pg_visible_in_snapshot(l.xid, v.cursor)
               AND l.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))))
  INTO fresh
  FROM wanted
  JOIN refresh_listener.view AS v ON v.id = wanted.id
  JOIN pg_catalog.pg_class AS c ON c.oid = v.oid;
  IF fresh IS NULL THEN
    RAISE EXCEPTION 'view % is not served by any listener', is_fresh.view
      USING ERRCODE = 'undefined_object', HINT = 'Put it on the --views of a worker, or run: listener install --views ...';
  END IF;
  RETURN fresh;
END
$function$;

-- Tells that a relation changed in a way that no trigger saw: after a load under session_replication_role = replica, say.
-- The views that read it are absorbed once this transaction has committed.
CREATE FUNCTION refresh_listener.mark_changed(relation regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $function$
DECLARE
  source_id integer;
BEGIN
  SELECT s.id INTO source_id FROM refresh_listener.source AS s WHERE s.oid = mark_changed.relation;
  IF source_id IS NULL THEN
    RAISE EXCEPTION 'no view that a listener serves reads %', mark_changed.relation
      USING ERRCODE = 'undefined_object', HINT = 'listener explain NAME lists what a view reads.';
  END IF;
  INSERT INTO refresh_listener.change_log (source, operation) VALUES (source_id, 'T');
  PERFORM pg_catalog.pg_notify('refresh_listener', source_id::text);
END
$function$;

-- Absorbs a view in the caller's transaction: the same lock, cursor and record as the worker's. It waits for an absorb
-- that runs. The view keeps its locks until the caller commits.
--
-- Unlike the worker's, the caller's transaction may have written before, and may write after. Its own id must not count as
-- absorbed, or what it writes after this would be: it is put among those in progress, at the cost of one more refresh.
-- Under REPEATABLE READ refresh and cursor both see the transaction's snapshot; if somebody absorbed since, it fails with
-- a serialization error as any update would.
--
-- Returns how: 'concurrent' or 'plain', or 'fresh' when there was nothing to absorb (and `force` is not given).
CREATE FUNCTION refresh_listener.refresh(view regclass, force boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off AS $function$
DECLARE
  absorb_lock CONSTANT integer := 1911805101;
  began_at CONSTANT timestamptz := pg_catalog.clock_timestamp();
  own_xid CONSTANT xid8 := pg_catalog.pg_current_xact_id_if_assigned();
  view_id integer;
  state record;
  pending record;
  looks jsonb;
  absorbed pg_snapshot;
  relation text;
  plan text;
  statement text;
  written_before bigint[];
  written bigint[];
  own_source integer;
  took_ms double precision;
  staleness_ms double precision;
BEGIN
  SELECT v.id INTO view_id FROM refresh_listener.view AS v WHERE v.oid = refresh.view;
  IF view_id IS NULL THEN
    RAISE EXCEPTION 'view % is not served by any listener', refresh.view
      USING ERRCODE = 'undefined_object', HINT = 'Put it on the --views of a worker, or run: listener install --views ...';
  END IF;
  PERFORM pg_catalog.pg_advisory_xact_lock(absorb_lock, view_id);

  -- In this order, as the worker does: links and fingerprints, snapshot, refresh.
  SELECT v.whole_marks, v.whole_absorbed, v.settle_xid, v.cursor, v.paused_at,
         ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id) AS sources
  INTO state FROM refresh_listener.view AS v WHERE v.id = view_id;
  IF state.paused_at IS NOT NULL AND NOT force THEN
    RAISE EXCEPTION 'view % is paused', refresh.view
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'listener resume, or refresh(..., force => true).';
  END IF;
  SELECT pg_catalog.jsonb_object_agg(f.id, f.fingerprint) INTO looks FROM refresh_listener.fingerprints(state.sources) AS f;
  absorbed := pg_catalog.pg_current_snapshot();
  IF own_xid < pg_catalog.pg_snapshot_xmax(absorbed) THEN
    SELECT pg_catalog.concat(least(pg_catalog.pg_snapshot_xmin(absorbed), own_xid), ':', pg_catalog.pg_snapshot_xmax(absorbed), ':',
                             pg_catalog.string_agg(x.xid::text, ',' ORDER BY x.xid))::pg_snapshot
    INTO absorbed
    FROM (SELECT xip FROM pg_catalog.pg_snapshot_xip(absorbed) AS xip UNION SELECT own_xid) AS x (xid);
  END IF;

  SELECT count(*) AS changes, coalesce(pg_catalog.array_agg(DISTINCT s.name), '{}') AS sources, min(l.changed_at) AS oldest
  INTO pending
  FROM refresh_listener.change_log AS l
  JOIN refresh_listener.source AS s ON s.id = l.source
  WHERE l.xid >= pg_catalog.pg_snapshot_xmin(state.cursor)
    AND NOT pg_catalog.pg_visible_in_snapshot(l.xid, state.cursor)
    AND l.source = ANY (state.sources);
  -- What can be refreshed CONCURRENTLY: as in sql/queries/refresh-target.sql.
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
         CASE WHEN c.relispopulated AND EXISTS (
           SELECT FROM pg_catalog.pg_index AS i
           JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
           JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam AND am.amname = 'btree'
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
             AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey::int2[]) AS k WHERE k < 1)
         ) THEN 'concurrent' ELSE 'plain' END
  INTO relation, plan
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = refresh.view;
  IF pending.changes = 0 AND NOT force AND state.whole_marks = state.whole_absorbed
     AND coalesce(state.settle_xid > pg_catalog.pg_snapshot_xmin(absorbed), true)
     AND (SELECT c.relispopulated FROM pg_catalog.pg_class AS c WHERE c.oid = refresh.view)
  THEN
    RETURN 'fresh';
  END IF;

  written_before := ARRAY[pg_catalog.pg_stat_get_xact_tuples_inserted(refresh.view), pg_catalog.pg_stat_get_xact_tuples_updated(refresh.view),
                          pg_catalog.pg_stat_get_xact_tuples_deleted(refresh.view)];
  -- As one would refresh by hand: functions that the definition calls may rely on the session's search_path. While that is in
  -- force no expression of ours is evaluated: an operator found by it would run with our rights.
  statement := pg_catalog.concat('REFRESH MATERIALIZED VIEW ', CASE plan WHEN 'concurrent' THEN 'CONCURRENTLY ' END, relation);
  SET LOCAL search_path TO DEFAULT;
  EXECUTE statement;
  SET LOCAL search_path = '';
  written := ARRAY[pg_catalog.pg_stat_get_xact_tuples_inserted(refresh.view) - written_before[1],
                   pg_catalog.pg_stat_get_xact_tuples_updated(refresh.view) - written_before[2],
                   pg_catalog.pg_stat_get_xact_tuples_deleted(refresh.view) - written_before[3]];

  -- Views over this one become stale by the one rule. A plain refresh is not compared with what was there: it may have changed.
  SELECT s.id INTO own_source FROM refresh_listener.source AS s
  WHERE s.oid = refresh.view AND EXISTS (SELECT FROM refresh_listener.view_source AS vs WHERE vs.source = s.id);
  IF own_source IS NOT NULL AND (plan = 'plain' OR written <> ARRAY[0, 0, 0]::bigint[]) THEN
    INSERT INTO refresh_listener.change_log (source, operation, changed_at)
    VALUES (own_source, 'T', coalesce(pending.oldest, pg_catalog.clock_timestamp()));
    PERFORM pg_catalog.pg_notify('refresh_listener', own_source::text);
  END IF;
  PERFORM pg_catalog.pg_stat_force_next_flush();

  UPDATE refresh_listener.view_source AS vs SET fingerprint = looks -> vs.source::text
  WHERE vs.view = view_id AND looks ? vs.source::text;
  took_ms := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - began_at) * 1000;
  staleness_ms := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pending.oldest) * 1000;
  UPDATE refresh_listener.view AS v
  SET cursor = absorbed,
      whole_absorbed = greatest(v.whole_absorbed, state.whole_marks),
      settle_xid = CASE WHEN v.settle_xid <= pg_catalog.pg_snapshot_xmin(absorbed) THEN NULL ELSE v.settle_xid END,
      absorbed_at = pg_catalog.now(), last_success = pg_catalog.clock_timestamp(), last_duration_ms = took_ms, last_error = NULL, consecutive_failures = 0
  WHERE v.id = view_id AND v.cursor::text = state.cursor::text;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the cursor of % was moved by somebody else meanwhile', refresh.view USING ERRCODE = 'serialization_failure';
  END IF;
  INSERT INTO refresh_listener.run (view, plan, reason, started_at, duration_ms, inserted, updated, deleted, staleness_ms, sources)
  VALUES (view_id, plan, 'manual', began_at, took_ms, written[1], written[2], written[3], staleness_ms, pending.sources);
  RETURN plan;
END
$function$;

REVOKE ALL ON FUNCTION refresh_listener.fingerprints(integer[]), refresh_listener.is_fresh(regclass),
  refresh_listener.mark_changed(regclass), refresh_listener.refresh(regclass, boolean) FROM PUBLIC;
