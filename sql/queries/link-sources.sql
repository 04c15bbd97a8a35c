-- Makes a view's links be just these. Where a link is new the view is marked stale whole: until now nobody kept the
-- source's log rows for it. So it is where a plain view that it reads through has been defined anew.
-- $1: view id, $2: source ids, $3: hash of the plain views
WITH gone AS (
  DELETE FROM refresh_listener.view_source AS vs
  WHERE vs.view = $1 AND vs.source <> ALL ($2::pg_catalog.int4[])
), added AS (
  INSERT INTO refresh_listener.view_source (view, source)
  SELECT $1, s FROM pg_catalog.unnest($2::pg_catalog.int4[]) AS s ORDER BY s
  ON CONFLICT DO NOTHING
  RETURNING view
)
UPDATE refresh_listener.view AS v SET whole_marks = v.whole_marks + 1, definition = $3::pg_catalog.text
WHERE v.id = $1 AND (EXISTS (SELECT FROM added) OR v.definition IS DISTINCT FROM $3::pg_catalog.text)
