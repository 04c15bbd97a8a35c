-- How stale is each of these views, and what else does /metrics tell of the database? One statement and one row, however
-- many views there are; its cost is bounded, however long the change log.
--   stalenessMs   since the oldest change that the view does not show, or a view that it reads does not; 0: it shows everything.
--                 Where the log does not tell since when (it was marked, writers have stopped recording, the log is not the
--                 one that the cursors mean): since the last refresh began, which is the longest that it can be. null: nobody
--                 knows, since it has never been refreshed
--   refreshedAt   the end of the last refresh that succeeded, in seconds since 1970
--   summary       null of a materialized view. rowsBehind: when its last batch had been taken; waitingRows: late rows for closed
--                 buckets that no backfill has taken up
--   logRows       counted up to a hundred thousand: more is more
--   queueUsage    of the notification queue, 0 to 1
-- $1: view ids
WITH RECURSIVE reads AS (
  -- Each view with all views that it reads, itself among them.
  SELECT v.id AS view, v.id AS read FROM refresh_listener.view AS v WHERE v.id = ANY ($1::pg_catalog.int4[])
  UNION
  SELECT r.view, u.id
  FROM reads AS r
  JOIN refresh_listener.view_source AS vs ON vs.view = r.read
  JOIN refresh_listener.source AS s ON s.id = vs.source
  JOIN refresh_listener.view AS u ON u.oid = s.oid
), own AS MATERIALIZED (
  -- Since when each of them is stale by what it reads itself; infinitely long where nobody knows.
  SELECT v.id,
         CASE WHEN NOT p.populated THEN '-infinity'
              WHEN v.whole_marks > v.whole_absorbed OR v.settle_xid <= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
                   OR t.lapsed OR e.foreign_log THEN least(coalesce(v.absorbed_at, '-infinity'), l.oldest)
              ELSE l.oldest END AS since
  FROM refresh_listener.view AS v
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
  LEFT JOIN refresh_listener.summary AS m ON m.view = v.id
  CROSS JOIN LATERAL (
    SELECT coalesce(CASE v.kind WHEN 'summary' THEN c.oid IS NOT NULL AND m.filled_at IS NOT NULL ELSE c.relispopulated END, false) AS populated
  ) AS p
  CROSS JOIN (
    -- As in log-identity.sql: a crash has emptied the log, or the cursors speak of another cluster.
    SELECT NOT EXISTS (SELECT FROM refresh_listener.change_log AS k WHERE k.xid = '0'::pg_catalog.xid8 AND k.source = 0)
           OR NOT EXISTS (SELECT FROM refresh_listener.cluster AS k
                          JOIN pg_catalog.pg_control_system() AS y ON y.system_identifier = k.system_identifier
                          JOIN pg_catalog.pg_database AS d ON d.oid = k.database_oid AND d.datname = pg_catalog.current_database()) AS foreign_log
  ) AS e
  CROSS JOIN LATERAL (
    -- A register is asked only where the role may: else reading it is an error.
    SELECT coalesce(bool_or(CASE WHEN pg_catalog.has_sequence_privilege(g.log, 'SELECT')
                                 THEN pg_catalog.pg_sequence_last_value(g.log)
                                        <= pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 END), false) AS lapsed
    FROM refresh_listener.view_source AS vs
    CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass('refresh_listener.log_' || vs.source) AS log) AS g
    WHERE vs.view = v.id
  ) AS t
  LEFT JOIN LATERAL (
    -- As in stale-views.sql the index leads to both parts. Of later transactions the first thousand statements: a change that
    -- was made before all of those, by a transaction that began after them, makes no difference that matters here.
    SELECT min(f.changed_at) AS oldest
    FROM (
      ((SELECT cl.changed_at FROM refresh_listener.change_log AS cl
        WHERE cl.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))
          AND cl.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id)))
       UNION ALL
       (SELECT cl.changed_at FROM refresh_listener.change_log AS cl
        WHERE cl.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
          AND cl.source = ANY (ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id))
        ORDER BY cl.xid LIMIT 1000))
    ) AS f
  ) AS l ON true
  WHERE v.id IN (SELECT r.read FROM reads AS r)
), stale AS (
  SELECT r.view, min(o.since) AS since FROM reads AS r JOIN own AS o ON o.id = r.read GROUP BY r.view
)
SELECT coalesce((SELECT pg_catalog.jsonb_agg(w) FROM (
         SELECT v.id,
                CASE WHEN s.since IS NULL THEN 0
                     WHEN s.since > '-infinity'
                     THEN greatest(0, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - s.since) * 1000) END AS "stalenessMs",
                pg_catalog.date_part('epoch', v.last_success) AS "refreshedAt",
                v.consecutive_failures AS failures, v.paused_at IS NOT NULL AS paused,
                CASE WHEN m.view IS NOT NULL THEN pg_catalog.jsonb_build_object(
                  'rowsBehind', m.rows_behind,
                  'gapIds', (SELECT coalesce(sum(pg_catalog.upper(i.ids) - pg_catalog.lower(i.ids)), 0)
                             FROM refresh_listener.gap AS g CROSS JOIN LATERAL pg_catalog.unnest(g.ids) AS i (ids) WHERE g.view = v.id),
                  'waitingRows', (SELECT coalesce(sum(b.rows), 0) FROM refresh_listener.late_bucket AS b WHERE b.view = v.id)) END AS summary
         FROM refresh_listener.view AS v
         JOIN stale AS s ON s.view = v.id
         LEFT JOIN refresh_listener.watermark AS m ON m.view = v.id) AS w), '[]') AS views,
       (SELECT count(*) FROM (SELECT FROM refresh_listener.change_log AS l WHERE l.source <> 0 LIMIT 100000) AS l) AS "logRows",
       pg_catalog.pg_total_relation_size('refresh_listener.change_log'::pg_catalog.regclass) AS "logBytes",
       pg_catalog.pg_notification_queue_usage() AS "queueUsage"
