-- A view that keeps failing, or that nobody serves, must not pin the log: after the lapse its cursor is moved up to now
-- and the view marked stale whole, so that what follows still finds all. Only under the view's advisory lock (a reset
-- beside a running absorb lost a row), taken in the statement before this one.
-- $1: view ids whose lock we hold
UPDATE refresh_listener.view AS v
SET cursor = pg_catalog.pg_current_snapshot(), whole_marks = v.whole_marks + 1
WHERE v.id = ANY ($1::pg_catalog.int4[])
