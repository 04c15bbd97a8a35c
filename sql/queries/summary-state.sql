-- How is this summary kept, and how far has it come? Ids are texts: they need all 64 bits. `settings` are those that its
-- expressions are evaluated under now, `keptSettings` those of the last whole absorb.
-- $1: view id, $2: rows of the first batch
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.pg_get_viewdef(d.oid) AS definition,
       s.id_column AS "idColumn", s.bucket_column AS "bucketColumn", s.lateness::pg_catalog.text AS lateness,
       pg_catalog.format_type(b.atttypid, b.atttypmod) AS "bucketType", s.closed_before AS "closedBefore",
       s.settings AS "keptSettings", f.settings,
       s.fill_began_at IS NOT NULL AS "fillBegan", s.filled_at IS NOT NULL AS filled,
       pg_catalog.date_part('epoch', s.repaired_at) * 1000 AS "repairedAtMs",
       pg_catalog.date_part('epoch', pg_catalog.now()) * 1000 AS "nowMs",
       w.first_id::pg_catalog.text AS "firstId", w.last_id::pg_catalog.text AS "lastId", coalesce(w.batch, $2) AS batch, w.rows_behind AS "rowsBehind",
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', g.id, 'ids', g.ids::pg_catalog.text, 'holders', g.holders) ORDER BY g.id)
                 FROM refresh_listener.gap AS g WHERE g.view = v.id), '[]') AS gaps
FROM refresh_listener.view AS v
JOIN refresh_listener.summary AS s ON s.view = v.id
JOIN refresh_listener.watermark AS w ON w.view = v.id
JOIN pg_catalog.pg_class AS c ON c.oid = v.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS d ON d.oid = pg_catalog.to_regclass('refresh_listener.definition_' || v.id)
LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = v.oid AND b.attname = s.bucket_column AND NOT b.attisdropped
CROSS JOIN (SELECT pg_catalog.jsonb_object_agg(p.name, pg_catalog.current_setting(p.name)) AS settings
            FROM pg_catalog.unnest(ARRAY['TimeZone', 'DateStyle', 'IntervalStyle', 'lc_time', 'default_text_search_config', 'bytea_output']) AS p (name)) AS f
WHERE v.id = $1
