-- Which privileges on what comes with a summary does a role lack that may write to the summary, and so is meant to serve it?
-- $1, $2: privileges on its definition, and on the table that a fill is made in
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, pg_catalog.string_agg(w.privilege, ', ' ORDER BY w.place) AS privileges
FROM refresh_listener.view AS v
JOIN pg_catalog.pg_class AS t ON t.oid = v.oid AND pg_catalog.has_table_privilege(t.oid, 'INSERT')
JOIN pg_catalog.pg_class AS c ON c.oid IN (pg_catalog.to_regclass('refresh_listener.definition_' || v.id),
                                           pg_catalog.to_regclass('refresh_listener.fill_' || v.id))
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.unnest(CASE c.relkind WHEN 'v' THEN $1::pg_catalog.text[] ELSE $2::pg_catalog.text[] END)
  WITH ORDINALITY AS w (privilege, place)
WHERE v.kind = 'summary' AND NOT pg_catalog.has_table_privilege(c.oid, w.privilege)
GROUP BY n.nspname, c.relname
ORDER BY name
