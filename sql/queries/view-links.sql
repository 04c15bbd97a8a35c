-- What is this view linked to, and how often has it been marked? Together in one statement, before the fingerprints and the
-- snapshot: a link that comes later marks the view once more than this says, so it will be absorbed again.
-- The summary stands first: a restore over us locks it before the view, when it drops what ties them together.
-- $1: view id
SELECT v.whole_marks AS "wholeMarks",
       ARRAY(SELECT vs.source FROM refresh_listener.view_source AS vs WHERE vs.view = v.id) AS sources
FROM refresh_listener.summary AS m
RIGHT JOIN refresh_listener.view AS v ON v.id = m.view
WHERE v.id = $1
