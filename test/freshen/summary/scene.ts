import { onTestFinished } from 'vitest';
import { readRegisteredGraph } from '../../../src/catalog/registered-graph.js';
import type { ServedView } from '../../../src/catalog/graph.js';
import { Database } from '../../../src/database/database.js';
import { absorb } from '../../../src/freshen/absorb.js';
import type { Absorbed, AbsorbOptions, Skipped } from '../../../src/freshen/absorption.js';
import type { TestDatabase } from '../../support/database.js';
import { startWorker } from '../../support/test-worker.js';
import { freshDatabase, valueOf } from '../../worker/scene.js';

export const usageDefinition = `
  SELECT date_trunc('hour', occurred_at) AS bucket, account_id, count(*) AS event_count, sum(bytes) AS total_bytes,
         avg(bytes) AS mean_bytes, min(bytes) AS least, max(occurred_at) AS latest, count(*) FILTER (WHERE bytes > 100) AS large
  FROM public.events
  GROUP BY 1, 2`;

/** A table of events, append-only, with an hour's summary `hourly` over it that is not filled yet. */
export async function eventsAndSummary(options: { readonly lateness?: string; readonly rows?: number; readonly adminUrl?: string } = {}): Promise<TestDatabase> {
  const db = await freshDatabase(options.adminUrl);
  await db.app.query(`CREATE TABLE public.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, occurred_at timestamptz NOT NULL, account_id int, bytes numeric(12,2))`);
  await addEvents(db, options.rows ?? 100);
  // Something to serve, so that everything is installed, triggers included.
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_events AS SELECT count(*) AS n FROM public.events');
  await (await startWorker(db.url('worker'), ['mv_events'], { debounceMs: 20 })).stop();
  await createSummary(db, 'hourly', usageDefinition, { bucket: 'bucket', ...options });
  return db;
}

/** Rows of this hour, of two before it and of the next, each with all accounts, whatever the minute is; deterministic, some of them NULL. */
export async function addEvents(db: Pick<TestDatabase, 'app'>, rows: number): Promise<void> {
  await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes)
    SELECT date_trunc('hour', now()) + interval '2 hours' - i * interval '4 hours' / ${rows}, nullif(i % 4, 3), nullif((i * 7) % 400, 21)::numeric / 2 FROM generate_series(1, ${rows}) AS i`);
}

/** Registers a summary by hand, of `public.events` or of another table with its leaves. */
export async function createSummary(
  db: TestDatabase, name: string, definition: string,
  { bucket, lateness, source = 'events' }: { readonly bucket?: string; readonly lateness?: string; readonly source?: string } = {},
): Promise<void> {
  await db.worker.query(`CREATE TABLE public.${name} (
    bucket timestamptz, account_id int, event_count bigint, total_bytes numeric, mean_bytes numeric, least numeric, latest timestamptz, large bigint,
    updated_at timestamptz NOT NULL DEFAULT now(), _mean_bytes_sum numeric, _mean_bytes_count bigint, UNIQUE NULLS NOT DISTINCT (bucket, account_id))`);
  const view = await valueOf<number>(
    db.worker, `INSERT INTO refresh_listener.view (oid, name, kind, served_until) VALUES ($1::regclass, $1, 'summary', now()) RETURNING id`, [`public.${name}`],
  );
  await db.worker.query(`CREATE VIEW refresh_listener.definition_${view} AS ${definition}`);
  await db.worker.query(
    `INSERT INTO refresh_listener.summary (view, capture, id_column, bucket_column, lateness, settings) VALUES ($1, 'watermark', 'id', $2, $3, '{}')`,
    [view, bucket ?? null, lateness ?? null],
  );
  await db.worker.query('INSERT INTO refresh_listener.watermark (view, first_id, last_id, batch) VALUES ($1, 0, 0, 1000)', [view]);
  await db.worker.query(
    `INSERT INTO refresh_listener.view_source (view, source) SELECT $1, id FROM refresh_listener.source WHERE name LIKE $2`, [view, `public.${source}%`],
  );
}

/** Absorbs summaries in this process, as a worker would. */
export class Absorber {
  readonly #database: Database;
  readonly #view: ServedView;

  private constructor(database: Database, view: ServedView) {
    this.#database = database;
    this.#view = view;
  }

  static async of(db: TestDatabase, name = 'hourly'): Promise<Absorber> {
    const database = new Database(db.url('worker'), 2);
    onTestFinished(() => database.close());
    const view = [...(await readRegisteredGraph(database)).views.values()].find((one) => one.name === `public.${name}`);
    if (view === undefined) throw new Error(`${name} is not registered`);
    return new Absorber(database, view);
  }

  get id(): number {
    return this.#view.id;
  }

  async absorb(options: Partial<AbsorbOptions> = {}): Promise<Absorbed | Skipped> {
    return absorb(this.#database, this.#view, { reason: 'manual', lockTimeoutMs: 5_000, refreshTimeoutMs: 0, ...options });
  }

  /** @throws when there was nothing to absorb */
  async absorbed(options: Partial<AbsorbOptions> = {}): Promise<Absorbed> {
    const outcome = await this.absorb(options);
    if (outcome.outcome !== 'absorbed') throw new Error(`nothing was absorbed: ${outcome.outcome}`);
    return outcome;
  }
}

/** How many rows the summary lacks or has too many, against its definition over all there is (or what `where` says). */
export async function wrongRows(db: TestDatabase, name = 'hourly', definition = usageDefinition, where = 'true'): Promise<number> {
  const shown = `SELECT bucket, account_id, event_count, total_bytes, mean_bytes, least, latest, large FROM public.${name}`;
  return valueOf<number>(db.worker, `WITH shown AS (SELECT ROW(s.*)::text AS image FROM (${shown}) AS s WHERE ${where}),
      meant AS (SELECT ROW(m.*)::text AS image FROM (${definition}) AS m WHERE ${where})
    SELECT count(*)::int FROM ((TABLE shown EXCEPT ALL TABLE meant) UNION ALL (TABLE meant EXCEPT ALL TABLE shown)) AS d`);
}
