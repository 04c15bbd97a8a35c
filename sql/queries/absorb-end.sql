-- Moves the cursor by compare-and-set: no row means that somebody else absorbed, or reset it, meanwhile.
-- $1: view id, $2: the cursor that was, $3: the snapshot read at the beginning, $4: whole_marks as read before
-- it, with the links, $5: settle_xid as read with the snapshot, if it had settled, $6: duration in ms, $7: ms since 1970
-- of the oldest change absorbed
UPDATE refresh_listener.view AS v
SET cursor = $3::pg_catalog.pg_snapshot,
    whole_absorbed = greatest(v.whole_absorbed, $4::pg_catalog.int8),
    settle_xid = CASE WHEN v.settle_xid = $5::pg_catalog.xid8 THEN NULL ELSE v.settle_xid END,
    absorbed_at = pg_catalog.now(),
    last_success = pg_catalog.clock_timestamp(),
    last_duration_ms = $6::pg_catalog.float8,
    last_error = NULL,
    consecutive_failures = 0
WHERE v.id = $1 AND v.cursor::pg_catalog.text = $2
RETURNING pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 - $7::pg_catalog.float8 AS "stalenessMs"
