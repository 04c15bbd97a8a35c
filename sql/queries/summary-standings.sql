-- How does each summary stand? Ids are texts: they need all 64 bits. Times in ms.
--   rowsBehind     ids between the watermark and the greatest visible one, when the last batch had been taken
--   growth         by how many of them a second that grew since the batch before; less than 0: it shrinks
--   gaps           ids that are drawn and not seen yet, since when the oldest of them, and who may still fill them
--   late...        rows for buckets that had ended, and for closed ones, of the runs on record; what waits for a backfill
SELECT s.view, s.capture, s.id_column AS "idColumn", s.bucket_column AS bucket, s.closed_before AS "closedBefore",
       pg_catalog.date_part('epoch', s.lateness) * 1000 AS "latenessMs", pg_catalog.date_part('epoch', s.freshness) * 1000 AS "freshnessMs",
       s.filled_at AS "filledAt", s.repaired_at AS "repairedAt",
       w.last_id::pg_catalog.text AS "lastId", w.batch, w.rows_behind AS "rowsBehind", w.rows_a_second AS "rowsPerSecond", w.growth,
       g.ids AS "gapIds", g.since AS "gapsSince", g.holders,
       r.late, r.closed_late AS "closedLate", r.corrections,
       coalesce(b.rows, 0) AS "waitingRows", coalesce(b.buckets, 0) AS "waitingBuckets",
       CASE WHEN pg_catalog.has_table_privilege(d.oid, 'SELECT') THEN pg_catalog.pg_get_viewdef(d.oid) END AS definition
FROM refresh_listener.summary AS s
JOIN refresh_listener.watermark AS w ON w.view = s.view
LEFT JOIN pg_catalog.pg_class AS d ON d.oid = pg_catalog.to_regclass('refresh_listener.definition_' || s.view)
CROSS JOIN LATERAL (
  SELECT coalesce(sum(pg_catalog.upper(i.ids) - pg_catalog.lower(i.ids)), 0)::pg_catalog.int8 AS ids, min(p.since) AS since,
         coalesce((SELECT pg_catalog.jsonb_object_agg(h.key, h.value)
                   FROM refresh_listener.gap AS q CROSS JOIN LATERAL pg_catalog.jsonb_each(q.holders) AS h WHERE q.view = s.view), '{}') AS holders
  FROM refresh_listener.gap AS p CROSS JOIN LATERAL pg_catalog.unnest(p.ids) AS i (ids)
  WHERE p.view = s.view
) AS g
CROSS JOIN LATERAL (
  SELECT coalesce(sum(n.late), 0)::pg_catalog.int8 AS late, coalesce(sum(n.closed_late), 0)::pg_catalog.int8 AS closed_late,
         coalesce(sum(n.corrections), 0)::pg_catalog.int8 AS corrections
  FROM refresh_listener.run AS n WHERE n.view = s.view
) AS r
CROSS JOIN LATERAL (
  SELECT sum(l.rows)::pg_catalog.int8 AS rows, count(*) AS buckets FROM refresh_listener.late_bucket AS l WHERE l.view = s.view
) AS b
