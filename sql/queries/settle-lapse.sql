-- Log registers have been renewed: views over those that had lapsed are stale whole once more when every transaction that
-- runs now has ended. So are views that another worker marked and did not live to settle, unless a register of theirs
-- still lies in the past: then that worker is about to renew it.
-- $1: ids of the sources whose register had lapsed, $2: the settle_xid of a view that is marked and not settled
UPDATE refresh_listener.view AS v
SET whole_marks = v.whole_marks + 1, settle_xid = pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
WHERE EXISTS (SELECT FROM refresh_listener.view_source AS vs
              WHERE vs.view = v.id AND vs.source = ANY ($1::pg_catalog.int4[]))
   OR (v.settle_xid = $2::pg_catalog.xid8
       AND NOT EXISTS (
         SELECT FROM refresh_listener.view_source AS vs
         WHERE vs.view = v.id
           AND pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('refresh_listener.log_' || vs.source))
                 <= pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000))
