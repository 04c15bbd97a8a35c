import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Bench, Findings, Measure, Target } from '../measure.js';
import type { BenchDatabase } from '../server.js';
import { median, spreadOf } from '../statistics.js';
import { formatMs, formatRatio, renderTable } from '../table.js';
import { startWorkerProcess } from '../worker-process.js';

/** Freshness may take this share of a bare refresh, and so much besides. */
const mostRatio = 1.1;
const mostMs = 60;

interface Size {
  readonly rows: number;
  readonly samples: number;
}
const sizes: readonly Size[] = [{ rows: 10_000, samples: 25 }, { rows: 100_000, samples: 20 }, { rows: 500_000, samples: 12 }];

/** One isolated change: from its commit until a reader sees it in the view, beside a REFRESH by hand of a view just like it. */
export const freshness: Measure = {
  name: 'freshness',
  title: 'Freshness with --debounce 0',
  async run(bench: Bench): Promise<Findings> {
    const rows: string[][] = [];
    const targets: Target[] = [];
    for (const size of bench.quick ? sizes.slice(0, 2).map(({ rows: count }) => ({ rows: count, samples: 4 })) : sizes) {
      bench.say(`a view over ${size.rows.toLocaleString('en-US')} rows, ${size.samples} changes`);
      const { bare, seen } = await compare(bench, size);
      const [bareMs, seenMs] = [median(bare), median(seen)];
      const share = (seenMs - mostMs) / bareMs;
      rows.push([
        size.rows.toLocaleString('en-US'), formatMs(bareMs), formatMs(seenMs), formatMs(seenMs - bareMs),
        formatRatio(spreadOf(seen.map((ms, sample) => ms / (bare[sample] ?? NaN)))), share.toFixed(2),
      ]);
      targets.push({
        text: `${size.rows.toLocaleString('en-US')} rows: visible after ${formatMs(seenMs)}, at most ${mostRatio} of ${formatMs(bareMs)} plus ${mostMs} ms`,
        met: share <= mostRatio,
      });
    }
    const table = renderTable(['source rows', 'bare REFRESH', 'commit to visible', 'difference', 'ratio', `ratio less ${mostMs} ms`], rows);
    return { body: `\`REFRESH MATERIALIZED VIEW CONCURRENTLY\` of 1,000 groups; medians.\n\n${table}`, targets };
  },
};

async function compare(bench: Bench, { rows, samples }: Size): Promise<{ bare: number[]; seen: number[] }> {
  const database = await bench.server.createDatabase('freshness');
  try {
    // Two of everything: the worker follows the first, the second is refreshed by hand.
    for (const name of ['followed', 'bare']) await build(database, name, rows);
    const worker = await startWorkerProcess(database.url('listener'), ['--views', 'mv_followed', '--debounce', '0']);
    try {
      const [app, owner] = [await database.connect('app'), await database.connect('listener')];
      await worker.events.next('refresh.done'); // the one of the start
      const [bare, seen]: [number[], number[]] = [[], []];
      for (let sample = 0; sample < samples; sample += 1) {
        const byHand = await refreshByHand(app, owner);
        bare.push(byHand);
        seen.push(await untilSeen(app, owner));
        await sleep(byHand * 2 + 300); // isolated: the view has rested, the hold is over
      }
      return { bare, seen };
    } finally {
      await worker.stop();
    }
  } finally {
    await database.drop();
  }
}

async function build(database: BenchDatabase, name: string, rows: number): Promise<void> {
  await database.execute('app', `
    CREATE TABLE public.${name} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL, amount numeric(12, 2) NOT NULL);
    INSERT INTO public.${name} (customer, amount) SELECT i % 1000, i % 97 FROM generate_series(1, ${rows}) AS i;
    ANALYZE public.${name}`);
  await database.execute('listener', `
    CREATE MATERIALIZED VIEW public.mv_${name} AS SELECT customer, count(*) AS orders, sum(amount) AS amount FROM public.${name} GROUP BY customer;
    CREATE UNIQUE INDEX ON public.mv_${name} (customer)`);
}

async function refreshByHand(app: pg.Client, owner: pg.Client): Promise<number> {
  await change(app, 'bare');
  const startedAt = performance.now();
  await owner.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_bare');
  return performance.now() - startedAt;
}

async function untilSeen(app: pg.Client, owner: pg.Client): Promise<number> {
  const before = await shown(owner);
  await change(app, 'followed');
  const startedAt = performance.now();
  while ((await shown(owner)) === before) await sleep(1);
  return performance.now() - startedAt;
}

function change(app: pg.Client, name: string): Promise<unknown> {
  return app.query(`INSERT INTO public.${name} (customer, amount) VALUES (7, 1)`);
}

async function shown(owner: pg.Client): Promise<string | undefined> {
  const { rows } = await owner.query<{ orders: string }>('SELECT orders FROM public.mv_followed WHERE customer = 7');
  return rows[0]?.orders;
}
