-- Run by the role `app`, which owns the tables, as the application's migrations would do it.
CREATE TABLE public.airports (
  iata  text PRIMARY KEY,
  name  text NOT NULL,
  city  text NOT NULL,
  state text NOT NULL
);
CREATE TABLE public.flights (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  departed_at   timestamptz NOT NULL,
  delay_minutes integer     NOT NULL,
  origin        text        NOT NULL REFERENCES public.airports,
  destination   text        NOT NULL REFERENCES public.airports
);

-- All that the worker needs of the tables: to read them, and to put its triggers on them.
GRANT SELECT, TRIGGER ON public.airports, public.flights TO listener;
