-- The schema takes everything along: tables, sequences, functions, and with the trigger function each trigger that calls it.
-- For that it locks every table that has one, against readers too, until this transaction ends. It waits 200ms at most for
-- whoever uses them, then lets go of all of them, so that everybody gets on, and tries again; for a minute altogether.
DO $listener$
DECLARE
  lock_timeout_before constant text := pg_catalog.current_setting('lock_timeout');
  deadline constant timestamptz := pg_catalog.clock_timestamp() + interval '1 minute';
  done boolean := false;
BEGIN
  PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
  WHILE NOT done LOOP
    BEGIN
      -- A trigger that a worker is creating right now, and has not committed, would be left behind without its function, and
      -- fail every write of its table. This lock is what the worker takes first.
      IF pg_catalog.to_regclass('refresh_listener.source') IS NOT NULL THEN
        LOCK TABLE refresh_listener.source IN ACCESS EXCLUSIVE MODE;
      END IF;
      DROP SCHEMA IF EXISTS refresh_listener CASCADE;
      done := true;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF pg_catalog.clock_timestamp() > deadline THEN
        RAISE EXCEPTION 'Running transactions kept the listener''s triggers from being dropped for a minute'
          USING ERRCODE = 'lock_not_available', HINT = 'Run this again at a quieter moment.';
      END IF;
    END;
    IF NOT done THEN
      PERFORM pg_catalog.pg_sleep(0.1 + pg_catalog.random() * 0.4);
    END IF;
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', lock_timeout_before, true);
END
$listener$;
