-- How long a view may be stale, as the worker that serves it has it, in ms: for `listener status`, which is called elsewhere and
-- with other options. NULL: no worker has said so yet.
-- Safe under running workers: a column that is NULL in every row is added without a rewrite, under a lock of a moment on a table
-- of ours; a worker of the version before does not know it, and leaves it alone.
ALTER TABLE refresh_listener.view ADD COLUMN target_ms double precision;
