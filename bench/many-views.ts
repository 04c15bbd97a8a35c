import type { BenchDatabase, BenchServer } from './server.js';

/** Each view reads so many tables of its own. */
export const sourcesPerView = 4;

/** A database with so many small views. */
export async function manyViews(server: BenchServer, name: string, views: number): Promise<BenchDatabase> {
  const database = await server.createDatabase(name);
  await database.execute('app', `
    DO $$ BEGIN
      FOR i IN 1..${views * sourcesPerView} LOOP
        EXECUTE format('CREATE TABLE public.t_%s (id integer); INSERT INTO public.t_%1$s VALUES (1)', i);
        IF i % 100 = 0 THEN COMMIT; END IF;
      END LOOP;
    END $$`);
  await database.execute('listener', `
    DO $$ DECLARE query text; BEGIN
      FOR i IN 1..${views} LOOP
        SELECT string_agg(format('SELECT count(*) AS rows FROM public.t_%s', j), ' UNION ALL ') INTO query
        FROM generate_series((i - 1) * ${sourcesPerView} + 1, i * ${sourcesPerView}) AS j;
        EXECUTE format('CREATE MATERIALIZED VIEW public.mv_%s AS SELECT 1 AS id, sum(rows) AS rows FROM (%s) AS counts', i, query);
        EXECUTE format('CREATE UNIQUE INDEX ON public.mv_%s (id)', i);
        IF i % 100 = 0 THEN COMMIT; END IF;
      END LOOP;
    END $$`);
  return database;
}
