-- Run by the role `listener`, which owns the views and which the worker runs as. The unique indexes let it refresh them
-- CONCURRENTLY, so that readers never wait.

-- A plain view between table and materialized view: the worker looks through it.
CREATE VIEW public.departures AS
  SELECT f.origin, a.city, a.state, f.delay_minutes, f.delay_minutes >= 15 AS late
  FROM public.flights AS f JOIN public.airports AS a ON a.iata = f.origin;

CREATE MATERIALIZED VIEW public.mv_dashboard AS
  SELECT origin, city, state, count(*) AS flights, count(*) FILTER (WHERE late) AS late,
         round(avg(delay_minutes), 1) AS mean_delay_minutes
  FROM public.departures GROUP BY origin, city, state;
CREATE UNIQUE INDEX ON public.mv_dashboard (origin);

-- A view over the view: refreshed after it, and only when its rows have changed.
CREATE MATERIALIZED VIEW public.mv_worst_airports AS
  SELECT row_number() OVER (ORDER BY late::numeric / flights DESC, origin) AS rank, origin, city,
         round(100.0 * late / flights, 1) AS late_percent
  FROM public.mv_dashboard WHERE flights >= 100
  ORDER BY rank LIMIT 10;
CREATE UNIQUE INDEX ON public.mv_worst_airports (origin);

GRANT SELECT ON public.departures, public.mv_dashboard, public.mv_worst_airports TO app;
