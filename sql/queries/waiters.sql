-- Who waits for a relation that our refresh has locked, behind it? And does its backend still live?
-- Readers that wait for a plain refresh stand on the view itself; anything else stands in the way of others: an ALTER
-- TABLE that waits for us on a source makes every later writer of it wait as well.
-- $1: pid of the refresh
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = $1) AS alive,
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pid', w.pid, 'relation', w.relation::pg_catalog.int8,
                                                                           'mode', w.mode))
                 FROM pg_catalog.pg_locks AS w
                 WHERE w.locktype = 'relation' AND NOT w.granted
                   AND w.relation IN (SELECT h.relation FROM pg_catalog.pg_locks AS h
                                      WHERE h.pid = $1 AND h.granted AND h.locktype = 'relation')
                   AND $1 = ANY (pg_catalog.pg_blocking_pids(w.pid))), '[]') AS waiters
