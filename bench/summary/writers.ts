import { setTimeout as sleep } from 'node:timers/promises';
import { findPgbench } from '../pgbench-driver.js';
import { pgDriver } from '../pg-driver.js';
import type { Bench } from '../measure.js';
import { orderOf } from '../statistics.js';
import { startWorkerProcess } from '../worker-process.js';
import { absorbAll, createSummary } from './subject.js';

/** Who follows the table that is written to; the worker that follows the others runs all the time. */
export const followers = ['nobody', 'matview', 'summary'] as const;
export type Follower = (typeof followers)[number];

export interface WriterRates {
  readonly driver: string;
  /** For each follower one rate a round, in transactions a second. */
  readonly rates: ReadonlyMap<Follower, readonly number[]>;
  /** Rows that the summary has taken meanwhile, in so many absorbs. */
  readonly rowsTaken: number;
  readonly absorbs: number;
}

/** As in the measure of the write cost. */
export const workerOptions = ['--debounce', '1s', '--max-wait', '5s'];
const clients = 16;

/** What single-row inserts cost their writers, 16 at a time. */
export async function writerRates({ server, quick, say }: Pick<Bench, 'server' | 'quick' | 'say'>): Promise<WriterRates> {
  const database = await server.createDatabase('summary_writers');
  try {
    await database.execute('app', followers.map((follower) => `
      CREATE TABLE public.events_${follower} (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL, amount numeric(12, 2) NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());`).join(''));
    await database.execute('listener', `
      CREATE MATERIALIZED VIEW public.mv AS SELECT max(id) AS last_id FROM public.events_matview;
      CREATE UNIQUE INDEX ON public.mv (last_id)`);
    await createSummary(database, {
      definition: `SELECT date_trunc('hour', placed_at) AS hour, customer, count(*) AS orders, sum(amount) AS amount FROM public.events_summary GROUP BY 1, 2`,
      bucket: 'hour',
    }, 'public.hourly');
    await absorbAll(database, 'public.hourly');
    const worker = await startWorkerProcess(database.url('listener'), ['--views', 'mv,hourly', ...workerOptions]);
    try {
      const driver = findPgbench() ?? pgDriver;
      const [seconds, rounds] = quick ? [1, 2] : [5, 5];
      say(`16 writers: ${followers.length} tables, ${rounds} rounds of ${seconds} s`);
      const rates = new Map<Follower, number[]>(followers.map((follower) => [follower, []]));
      const [admin, owner] = [await database.connect('admin'), await database.connect('listener')];
      const isFresh = async (): Promise<boolean> => (
        (await owner.query<{ fresh: boolean }>(`SELECT refresh_listener.is_fresh('public.mv') AND refresh_listener.is_fresh('public.hourly') AS fresh`)).rows[0]?.fresh === true);
      // The first is a warm-up.
      for (let round = -1; round < rounds; round += 1) {
        for (const follower of orderOf(followers, Math.abs(round))) {
          await admin.query('CHECKPOINT');
          const rate = await driver.run(database.url('app'), {
            statements: [`INSERT INTO public.events_${follower} (customer, amount) VALUES (:customer, 12.5)`], clients, seconds,
          });
          if (round >= 0) rates.get(follower)?.push(rate);
          // What is left is not done at the cost of the next.
          while (!(await isFresh())) await sleep(50);
        }
      }
      const absorbs = worker.events.of('refresh.done').filter(({ view }) => view === 'public.hourly');
      return { driver: driver.name, rates, absorbs: absorbs.length, rowsTaken: absorbs.reduce((sum, { rowsRead }) => sum + (rowsRead ?? 0), 0) };
    } finally {
      await worker.stop();
    }
  } finally {
    await database.drop();
  }
}
