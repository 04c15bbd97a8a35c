-- The summaries, also those whose table has been dropped (`oid` is null): `name` as it is now, or was last. `source`: what the
-- definition reads; `definition`: its text. Intervals in ms; the watermark as text, since JSON would round it.
SELECT v.id, c.oid, CASE WHEN c.oid IS NULL THEN v.name ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END AS name, n.nspname AS schema, c.relname AS relation,
       (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', sn.nspname, s.relname), ', ')
        FROM pg_catalog.pg_rewrite AS r
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                                      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
        JOIN pg_catalog.pg_class AS s ON s.oid = d.refobjid
        JOIN pg_catalog.pg_namespace AS sn ON sn.oid = s.relnamespace
        WHERE r.ev_class = f.oid) AS source,
       pg_catalog.pg_get_viewdef(f.oid) AS definition,
       m.capture, m.id_column AS "idColumn", w.last_id::pg_catalog.text AS watermark, m.bucket_column AS bucket,
       pg_catalog.date_part('epoch', m.lateness) * 1000 AS "latenessMs",
       pg_catalog.date_part('epoch', m.freshness) * 1000 AS "freshnessMs",
       m.filled_at AS "filledAt"
FROM refresh_listener.summary AS m
JOIN refresh_listener.view AS v ON v.id = m.view
JOIN refresh_listener.watermark AS w ON w.view = m.view
LEFT JOIN pg_catalog.pg_class AS f ON f.oid = pg_catalog.to_regclass('refresh_listener.definition_' || m.view)
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = v.oid AND c.relkind = 'r'
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY name
