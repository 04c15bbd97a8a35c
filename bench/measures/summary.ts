import type { Bench, Findings, Measure, Target } from '../measure.js';
import { median, pairedRatios, spreadOf, type Spread } from '../statistics.js';
import { catchUps, type CatchUps } from '../summary/catch-up.js';
import { flights, growTo, usageEvents, type Events } from '../summary/events.js';
import { absorbAll, createSummary } from '../summary/subject.js';
import { timeToFresh, type Samples, type TimeToFresh } from '../summary/time-to-fresh.js';
import { followers, workerOptions, writerRates, type Follower, type WriterRates } from '../summary/writers.js';
import { formatMs, formatNumber, formatRatio, renderTable } from '../table.js';

/** How much longer a summary may take over the longest history than over the shortest. */
const mostGrowth = 1.2;
/** Of the rows a second of `INSERT ... SELECT ... GROUP BY`. */
const leastCatchUp = 0.7;
/** Of what a materialized view's trigger leaves its writers: the rest is the scatter of the measure. */
const leastWriters = 0.95;

interface Extent {
  /** Rows of history. */
  readonly sizes: readonly number[];
  readonly samples: readonly Samples[];
  readonly rounds: number;
  /** New rows to catch up with. */
  readonly backlog: number;
}

const full: Extent = {
  sizes: [1_000_000, 3_000_000, 10_000_000], rounds: 3, backlog: 1_000_000,
  samples: [{ newRows: 1, samples: 15, refreshes: 3 }, { newRows: 1_000, samples: 15, refreshes: 3 }, { newRows: 100_000, samples: 5, refreshes: 3 }],
};
const quick: Extent = {
  sizes: [100_000, 300_000], rounds: 1, backlog: 100_000,
  samples: [{ newRows: 1, samples: 4, refreshes: 2 }, { newRows: 1_000, samples: 4, refreshes: 2 }, { newRows: 10_000, samples: 2, refreshes: 2 }],
};

interface AtSize {
  readonly size: number;
  readonly times: readonly TimeToFresh[];
}

/** A summary beside a materialized view of the same query: freshness, catching up, and what writers pay. */
export const summary: Measure = {
  name: 'summary',
  title: 'Summary tables',
  async run(bench: Bench): Promise<Findings> {
    const extent = bench.quick ? quick : full;
    const parts: Findings[] = [];
    for (const events of [flights, usageEvents]) parts.push(await measureEvents(bench, events, extent));
    parts.push(tellWriters(await writerRates(bench)));
    return { body: parts.map(({ body }) => body).join('\n\n'), targets: parts.flatMap(({ targets }) => targets) };
  },
};

async function measureEvents(bench: Bench, events: Events, extent: Extent): Promise<Findings> {
  const database = await bench.server.createDatabase('summary');
  const [kept, matview] = [`public.${events.table}_summary`, `public.mv_${events.table}`];
  const say = (line: string): void => bench.say(`${events.table}: ${line}`);
  try {
    const sizes: AtSize[] = [];
    await database.execute('app', events.create);
    let before = 0;
    for (const size of extent.sizes) {
      say(`${formatNumber(size)} rows`);
      await growTo(database, events, before, size);
      if (before === 0) {
        await createSummary(database, events, kept);
        await database.execute('listener', `CREATE MATERIALIZED VIEW ${matview} AS ${events.definition}; CREATE UNIQUE INDEX ON ${matview} (${events.key})`);
      } else await database.execute('listener', `REFRESH MATERIALIZED VIEW ${matview}`);
      before = size;
      await absorbAll(database, kept);
      await database.execute('listener', `VACUUM ANALYZE ${kept}, ${matview}`);
      say('new rows, until visible');
      sizes.push({ size, times: await timeToFresh(database, events, { summary: kept, matview }, extent.samples) });
    }
    say(`catching up, ${extent.rounds} rounds`);
    const found = await catchUps(database, events, { rounds: extent.rounds, newRows: extent.backlog });
    return tellEvents(events, sizes, found, extent);
  } finally {
    await database.drop();
  }
}

function tellEvents({ table, title }: Events, sizes: readonly AtSize[], found: CatchUps, { backlog }: Extent): Findings {
  const rows = sizes.flatMap(({ size, times }) => times.map(({ newRows, visible, absorb, refresh }) => [
    formatNumber(size), formatNumber(newRows), formatMs(median(visible)), formatMs(median(absorb)), formatMs(median(refresh)), (median(refresh) / median(visible)).toFixed(1),
  ]));
  const fresh = renderTable(['rows of history', 'new rows', 'commit to visible', 'of it the absorb', 'REFRESH CONCURRENTLY', 'times as long'], rows);
  const rates = (name: string, rounds: CatchUps['fill']): string[] => {
    const read = median(rounds.map(({ ours }) => ours.rows));
    return [
      name, formatNumber(read), formatNumber(median(rounds.map(({ ours }) => ours.batches))), formatNumber(median(rounds.map(({ ours }) => (ours.rows * 1_000) / ours.ms))),
      formatNumber(median(rounds.map(({ ours, bareMs }) => (ours.rows * 1_000) / bareMs))), formatRatio(catchUpRatio(rounds)),
    ];
  };
  const catching = renderTable(
    ['', 'source rows', 'transactions', 'rows/s', 'bare INSERT, rows/s', 'ratio'], [rates('fill', found.fill), rates(`${formatNumber(backlog)} new rows at once`, found.absorb)],
  );
  const [fill, absorb] = [catchUpRatio(found.fill).median, catchUpRatio(found.absorb).median];
  return {
    body: `### ${title[0]?.toUpperCase()}${title.slice(1)}\n\n\`--debounce 0\`; medians.\n\n${fresh}\n\nCatching up, beside one \`INSERT ... SELECT ... GROUP BY\` of the same rows into an empty table with the same key:\n\n${catching}`,
    targets: [
      ...flatness(table, sizes),
      { text: `${table}: a fill takes ${fill.toFixed(2)} of the rows a second of the bare INSERT, at least ${leastCatchUp}`, met: fill >= leastCatchUp },
      { text: `${table}: catching up takes ${absorb.toFixed(2)} of the rows a second of the bare INSERT, at least ${leastCatchUp}`, met: absorb >= leastCatchUp },
    ],
  };
}

/** Each time over the longest history by that over the shortest. */
function flatness(table: string, sizes: readonly AtSize[]): Target[] {
  const [shortest, longest] = [sizes[0], sizes.at(-1)];
  if (shortest === undefined || longest === undefined) return [];
  return longest.times.map(({ newRows, visible }, index) => {
    const growth = median(visible) / median(shortest.times[index]?.visible ?? []);
    return {
      text: `${table}: ${formatNumber(newRows)} new ${newRows === 1 ? 'row is' : 'rows are'} visible after ${growth.toFixed(2)} of the time over ${formatNumber(longest.size)} rows as over ${formatNumber(shortest.size)}, at most ${mostGrowth}`,
      met: growth <= mostGrowth,
    };
  });
}

function catchUpRatio(rounds: CatchUps['fill']): Spread {
  return spreadOf(pairedRatios(rounds.map(({ bareMs }) => bareMs), rounds.map(({ ours }) => ours.ms)));
}

function tellWriters({ driver, rates, absorbs, rowsTaken }: WriterRates): Findings {
  const names: Readonly<Record<Follower, string>> = { nobody: 'no trigger', matview: 'a materialized view', summary: 'a summary' };
  const of = (follower: Follower): readonly number[] => rates.get(follower) ?? [];
  const table = renderTable(['followed by', 'transactions/s', 'ratio to no trigger'], followers.map((follower) => [
    names[follower], formatNumber(median(of(follower))), follower === 'nobody' ? '1' : formatRatio(spreadOf(pairedRatios(of(follower), of('nobody')))),
  ]));
  const ratio = spreadOf(pairedRatios(of('summary'), of('matview')));
  return {
    body: `### What writers pay\n\nSingle-row inserts, 16 clients; driver: ${driver}. Worker: \`${workerOptions.join(' ')}\`; meanwhile the summary took ${formatNumber(rowsTaken)} rows in ${absorbs} absorbs.\n\n${table}`,
    targets: [{ text: `writers of a summary's source are at ${formatRatio(ratio)} of those of a materialized view's, at least ${leastWriters}`, met: ratio.median >= leastWriters }],
  };
}
