-- How long before the end of its log register does a source's bell fall silent? The least that any worker says.
-- $1: ms
SELECT pg_catalog.setval('refresh_listener.silence'::pg_catalog.regclass, $1::pg_catalog.int8)
WHERE coalesce(pg_catalog.pg_sequence_last_value('refresh_listener.silence'::pg_catalog.regclass) > $1::pg_catalog.int8, true)
