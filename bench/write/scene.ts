import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { BenchDatabase, BenchServer } from '../server.js';
import { startWorkerProcess, type WorkerProcess } from '../worker-process.js';

/**
 * What stands on a table:
 * - `none`: nothing
 * - `empty`: a trigger in PL/pgSQL that returns at once: what any costs at least
 * - `append`: a trigger that appends a row to a log like ours, unconditionally, and does nothing else
 * - `idle`: our trigger in a hold that never ends, without a worker that looks or refreshes: the cost of the trigger alone
 * - `following`: our trigger, and a worker that hears it and refreshes a view
 * - `deserted`: our trigger, and the lease of the last worker is over: changes are recorded until the lapse, nobody is rung for
 * - `notify`: a trigger that calls pg_notify in every transaction (nobody listens: the cheapest case)
 * - `flag`: a trigger that updates one row
 */
export const variants = ['none', 'empty', 'append', 'idle', 'following', 'deserted', 'notify', 'flag'] as const;
export type Variant = (typeof variants)[number];

export const variantNames: Readonly<Record<Variant, string>> = {
  none: 'no trigger',
  empty: 'an empty trigger',
  append: 'a trigger that only appends',
  idle: 'ours, worker idle',
  following: 'ours, worker following',
  deserted: 'ours, worker gone',
  notify: 'a trigger that notifies each time',
  flag: 'a trigger that updates a flag row',
};

/** A refresh follows soon and often, more so than by default; the view costs nothing, so that what is measured is ours. */
const workerOptions = ['--views', 'mv_following', '--debounce', '1s', '--max-wait', '5s'];
export const workerDescription = '`--debounce 1s --max-wait 5s`, a view that costs nothing to refresh';

/** A hold of a second, set twice a second: as a worker would, which does nothing else. */
const keepHoldEveryMs = 500;
const keepHold = `
  SELECT pg_catalog.setval(pg_catalog.to_regclass('refresh_listener.hold_' || s.id),
           (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + ${2 * keepHoldEveryMs})
  FROM refresh_listener.source AS s WHERE s.name = 'public.orders_idle'`;

/** Some time after the last worker's end: its lease and the grace are over, the log is kept for half an hour more. */
const endLease = `
  SELECT pg_catalog.setval(pg_catalog.to_regclass('refresh_listener.log_' || s.id),
           (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + 1800000)
  FROM refresh_listener.source AS s WHERE s.name = 'public.orders_deserted'`;

const tables = `
  ${variants.map((variant) => `
    CREATE TABLE public.orders_${variant} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL, amount numeric(12, 2) NOT NULL,
      placed_at timestamptz NOT NULL DEFAULT now());`).join('')}
  CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN NULL; END $$;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON public.orders_empty EXECUTE FUNCTION public.nothing();
  CREATE UNLOGGED TABLE public.log (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(), changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source integer NOT NULL, operation "char" NOT NULL);
  CREATE INDEX ON public.log (xid);
  CREATE FUNCTION public.append() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO public.log (source, operation) VALUES (1, 'I'); RETURN NULL; END $$;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON public.orders_append EXECUTE FUNCTION public.append();
  CREATE FUNCTION public.notify() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('orders', TG_TABLE_NAME); RETURN NULL; END $$;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON public.orders_notify EXECUTE FUNCTION public.notify();
  CREATE TABLE public.flag (name text PRIMARY KEY, changed_at timestamptz NOT NULL);
  INSERT INTO public.flag VALUES ('orders_flag', now());
  CREATE FUNCTION public.raise_flag() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN UPDATE public.flag SET changed_at = clock_timestamp() WHERE name = TG_TABLE_NAME; RETURN NULL; END $$;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON public.orders_flag EXECUTE FUNCTION public.raise_flag();`;

const watched: readonly Variant[] = ['idle', 'following', 'deserted'];
const views = watched.map((variant) => `
  CREATE MATERIALIZED VIEW public.mv_${variant} AS SELECT max(id) AS last_id FROM public.orders_${variant};
  CREATE UNIQUE INDEX ON public.mv_${variant} (last_id);`).join('');

/** A table for each variant, and the real command that follows one of them. */
export class WriteScene {
  readonly #database: BenchDatabase;
  readonly #worker: WorkerProcess;
  readonly #admin: pg.Client;

  private constructor(database: BenchDatabase, worker: WorkerProcess, admin: pg.Client) {
    this.#database = database;
    this.#worker = worker;
    this.#admin = admin;
  }

  static async build(server: BenchServer): Promise<WriteScene> {
    const database = await server.createDatabase('write_cost');
    await database.execute('app', tables);
    await database.execute('listener', views);
    // All three get their trigger and their lease; then two of them are left alone.
    const installer = await startWorkerProcess(database.url('listener'), ['--views', 'mv_idle,mv_following,mv_deserted']);
    await installer.stop();
    const admin = await database.connect('admin');
    await admin.query(endLease);
    const worker = await startWorkerProcess(database.url('listener'), workerOptions);
    return new WriteScene(database, worker, admin);
  }

  /** The application's connection string. */
  get url(): string {
    return this.#database.url('app');
  }

  connect(role: 'app' | 'admin'): Promise<pg.Client> {
    return this.#database.connect(role);
  }

  /** An empty table, and a worker that has nothing to do. */
  async prepare(variant: Variant): Promise<void> {
    await this.#admin.query(`TRUNCATE public.orders_${variant}`);
    await this.settle();
  }

  /**
   * Lets the application's commits wait before they flush, all together (`commit_delay`): most disks take longer than this
   * machine's, and a writer who waits for the disk leaves the processor to others.
   */
  async delayFlush(ms: number): Promise<void> {
    await this.#admin.query(`ALTER ROLE app SET commit_delay = ${ms * 1_000}`);
  }

  /** Does something while the bell of the idle source is silent. */
  async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    await this.#admin.query(keepHold);
    const holding = setInterval(() => void this.#admin.query(keepHold), keepHoldEveryMs);
    try {
      return await work();
    } finally {
      clearInterval(holding);
    }
  }

  /** Returns when the view that is followed has absorbed all there is. */
  async settle(): Promise<void> {
    for (;;) {
      const { rows } = await this.#admin.query<{ stale: boolean }>(
        `SELECT EXISTS (SELECT FROM refresh_listener.view AS v
                        JOIN refresh_listener.view_source AS vs ON vs.view = v.id
                        JOIN refresh_listener.change_log AS l ON l.source = vs.source AND (l.xid >= pg_snapshot_xmax(v.cursor) OR l.xid = ANY (ARRAY(SELECT pg_snapshot_xip(v.cursor))))
                        WHERE v.name = 'public.mv_following') AS stale`,
      );
      if (rows[0]?.stale !== true) return;
      await sleep(50);
    }
  }

  /** How often the worker has refreshed so far. */
  get refreshes(): number {
    return this.#worker.events.of('refresh.done').length;
  }

  async close(): Promise<void> {
    await this.#worker.stop();
    await this.#database.drop();
  }
}

/** A single-row INSERT. */
export function insertInto(variant: Variant): string {
  return `INSERT INTO public.orders_${variant} (customer, amount) VALUES (:customer, 12.5)`;
}
