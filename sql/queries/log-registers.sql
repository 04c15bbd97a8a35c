-- Until when may the triggers of these sources append, in ms since 1970, and what does the server's clock say?
-- Null: the register is unset or missing, and the trigger appends.
-- $1: source ids
SELECT s AS source,
       pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('refresh_listener.log_' || s))::pg_catalog.int8 AS "untilMs",
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 AS "nowMs"
FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS s
