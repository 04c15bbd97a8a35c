-- When did it begin? An absorb with this transaction; one that failed so long ago, for it is recorded by a later one.
-- $1: view id, $2: plan, $3: reason, $4: duration in ms, $5 to $7: rows inserted, updated, deleted, $8: staleness in ms,
-- $9: names of the changed sources, $10: SQLSTATE, $11: error; of a summary $12: rows read, $13: late rows, $14: rows for
-- closed buckets, $15: rows that a repair found wrong, $16: transactions, $17: ids not seen yet, $18: who may still commit them,
-- $19: ids left to catch up with. A view that was dropped meanwhile has no history.
INSERT INTO refresh_listener.run
  (view, plan, reason, started_at, duration_ms, inserted, updated, deleted, staleness_ms, sources, sqlstate, error,
   rows_read, late, closed_late, corrections, batches, gap_ids, holders, rows_behind)
SELECT v.id, $2::pg_catalog.text, $3::pg_catalog.text,
       least(pg_catalog.now(), pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $4::pg_catalog.float8 / 1000)),
       $4::pg_catalog.float8, $5::pg_catalog.int8, $6::pg_catalog.int8, $7::pg_catalog.int8, $8::pg_catalog.float8,
       $9::pg_catalog.text[], $10::pg_catalog.text, $11::pg_catalog.text,
       $12::pg_catalog.int8, $13::pg_catalog.int8, $14::pg_catalog.int8, $15::pg_catalog.int8,
       $16::pg_catalog.int4, $17::pg_catalog.int8, $18::pg_catalog.jsonb, $19::pg_catalog.int8
FROM refresh_listener.view AS v WHERE v.id = $1
