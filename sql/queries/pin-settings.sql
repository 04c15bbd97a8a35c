-- Sets, until the transaction ends, what the expressions of a summary were evaluated under when it was last absorbed whole:
-- else another role, or another day, would sort its rows into other buckets. Before anything of it is read: its definition
-- is printed under these settings too. Of what is stored only these names count.
-- $1: view id
SELECT pg_catalog.set_config(e.name, e.value, true)
FROM refresh_listener.summary AS s
CROSS JOIN LATERAL pg_catalog.jsonb_each_text(s.settings) AS e (name, value)
WHERE s.view = $1
  AND e.name = ANY ('{TimeZone,DateStyle,IntervalStyle,lc_time,default_text_search_config,bytea_output}'::pg_catalog.text[])
