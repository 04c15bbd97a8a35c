-- Summary tables: ordinary tables that the worker keeps equal to a defining query by applying changes.
-- Safe under running workers: columns that are NULL, or have a constant default, are added without a rewrite, under a lock
-- of a moment on tables of ours; everything else is new.

-- A summary is registered as a view is; `oid` and `name` are those of its table. Cursor, marks and links mean the same.
ALTER TABLE refresh_listener.view
  ADD COLUMN kind text NOT NULL DEFAULT 'matview' CHECK (kind IN ('matview', 'summary'));

-- How a summary is kept. Its definition is the plain view definition_<view>, so that PostgreSQL tracks what it depends on and
-- follows renames. `id_column`, of the one table that it reads, is what its watermark counts.
-- `bucket_column` and `lateness` are the contract for late data: a bucket that ended before (the moment of a change less
-- `lateness`) is closed, and what arrives for it is counted in late_bucket instead. `closed_before` is how far that has come,
-- as text of the bucket's type; it never goes back.
-- `settings` are those of the session that its expressions were evaluated under: a difference means absorb anew.
-- `filled_at` is null until its first fill is complete; until then rows stand in fill_<view>, and the table is empty. A fill
-- begins with moving the view's cursor, so that what is recorded and marked from then on is known to have come meanwhile.
CREATE TABLE refresh_listener.summary (
  view          integer PRIMARY KEY REFERENCES refresh_listener.view ON DELETE CASCADE,
  capture       text NOT NULL CHECK (capture IN ('watermark')),
  id_column     text NOT NULL,
  bucket_column text,
  lateness      interval CHECK (lateness >= '0'),
  freshness     interval CHECK (freshness > '0'),
  settings      jsonb NOT NULL,
  fill_began_at timestamptz,
  filled_at     timestamptz,
  repaired_at   timestamptz,
  closed_before text,
  CHECK (lateness IS NULL OR bucket_column IS NOT NULL)
) WITH (fillfactor = 40);

-- Rows with an id up to `last_id` are absorbed, but for those whose id lies in a gap. `batch` is how many rows the next (null: it is the first)
-- transaction takes, `rows_behind` how many ids were left when the last one ended, at `taken_at`, and `growth` by how many a
-- second that had grown since the one before. A fill begins after `first_id`.
CREATE TABLE refresh_listener.watermark (
  view         integer PRIMARY KEY REFERENCES refresh_listener.summary ON DELETE CASCADE,
  last_id      bigint NOT NULL,
  batch        integer,
  rows_behind  bigint NOT NULL DEFAULT 0,
  rows_a_second double precision,
  growth       double precision,
  taken_at     timestamptz,
  first_id     bigint NOT NULL
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Ids at or below last_id that no absorb has seen: drawn by a transaction that was still open, or rolled back. `holders` are
-- the transactions that held a write lock on the source just after the absorb's snapshot, by virtual transaction id, each
-- with its pid and start. A gap goes when an absorb has looked into it that began after its last holder was gone. The holder
-- 'sequence' stands for all who are still to draw ids of it: somebody has written a greater one by hand.
CREATE TABLE refresh_listener.gap (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  view    integer NOT NULL REFERENCES refresh_listener.summary ON DELETE CASCADE,
  ids     int8multirange NOT NULL,
  holders jsonb NOT NULL DEFAULT '{}',
  since   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE INDEX gap_view ON refresh_listener.gap (view);

-- Rows that came for a closed bucket: counted, not shown. listener backfill recomputes such buckets.
CREATE TABLE refresh_listener.late_bucket (
  view     integer NOT NULL REFERENCES refresh_listener.summary ON DELETE CASCADE,
  bucket   text NOT NULL,
  rows     bigint NOT NULL,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (view, bucket)
);

-- A backfill under way: what is left of it is from `next_bucket` to `to_bucket`, the last one. What it has done so far: buckets
-- recomputed, rows of the summary that were wrong, and late rows that are shown now.
CREATE TABLE refresh_listener.backfill (
  view        integer PRIMARY KEY REFERENCES refresh_listener.summary ON DELETE CASCADE,
  from_bucket text NOT NULL,
  next_bucket text NOT NULL,
  to_bucket   text NOT NULL,
  buckets     bigint NOT NULL DEFAULT 0,
  inserted    bigint NOT NULL DEFAULT 0,
  updated     bigint NOT NULL DEFAULT 0,
  deleted     bigint NOT NULL DEFAULT 0,
  late        bigint NOT NULL DEFAULT 0,
  started_at  timestamptz NOT NULL DEFAULT now()
);

-- Of a summary's run: source rows read; rows for buckets that had ended before the run before; rows for closed buckets;
-- rows that a repair found wrong; its transactions; ids below the watermark that it had not seen, and who might still commit
-- them ({"transaction", "pid", "since"} each); ids that it left to catch up with.
ALTER TABLE refresh_listener.run
  ADD COLUMN rows_read bigint, ADD COLUMN late bigint, ADD COLUMN closed_late bigint, ADD COLUMN corrections bigint,
  ADD COLUMN batches integer, ADD COLUMN gap_ids bigint, ADD COLUMN holders jsonb, ADD COLUMN rows_behind bigint;
