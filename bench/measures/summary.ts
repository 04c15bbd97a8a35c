import type { Bench, Findings, Measure, Target } from '../measure.js';
import { median, pairedRatios, spreadOf, type Spread } from '../statistics.js';
import { catchUps, type CatchUps } from '../summary/catch-up.js';
import { createAll, flights, usageEvents, type Events } from '../summary/events.js';
import { absorbAll, createSummary } from '../summary/subject.js';
import { timeToFresh, type Samples, type Subject, type TimeToFresh } from '../summary/time-to-fresh.js';
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
  samples: [{ newRows: 1, samples: 15, refreshes: 2 }, { newRows: 1_000, samples: 15, refreshes: 2 }, { newRows: 100_000, samples: 7, refreshes: 2 }],
};
const quick: Extent = {
  sizes: [100_000, 300_000], rounds: 1, backlog: 100_000,
  samples: [{ newRows: 1, samples: 4, refreshes: 2 }, { newRows: 1_000, samples: 4, refreshes: 2 }, { newRows: 10_000, samples: 2, refreshes: 2 }],
};

/** A summary beside a materialized view of the same query: freshness, catching up, and what writers pay. */
export const summary: Measure = {
  name: 'summary',
  title: 'Summary tables',
  async run(bench: Bench): Promise<Findings> {
    const extent = bench.quick ? quick : full;
    const parts: Findings[] = [];
    parts.push(await measureEvents(bench, 'flights', flights, extent), await measureEvents(bench, 'usage_events', usageEvents, extent));
    parts.push(tellWriters(await writerRates(bench)));
    return { body: parts.map(({ body }) => body).join('\n\n'), targets: parts.flatMap(({ targets }) => targets) };
  },
};

async function measureEvents(bench: Bench, name: string, of: (table: string) => Events, extent: Extent): Promise<Findings> {
  const database = await bench.server.createDatabase('summary');
  const say = (line: string): void => bench.say(`${name}: ${line}`);
  const subjects = extent.sizes.map((size): Subject => {
    const table = `${name}_${size}`;
    return { events: of(table), size, summary: `public.${table}_summary`, matview: `public.mv_${table}` };
  });
  const longest = subjects.at(-1);
  if (longest === undefined) throw new Error('There is nothing to measure.');
  try {
    say(`tables of ${extent.sizes.map(formatNumber).join(', ')} rows`);
    await createAll(database, subjects);
    for (const { events, summary: kept, matview } of subjects) {
      await createSummary(database, events, kept);
      await absorbAll(database, kept);
      await database.execute('listener', `CREATE MATERIALIZED VIEW ${matview} AS ${events.definition}; CREATE UNIQUE INDEX ON ${matview} (${events.key})`);
      for (const table of [kept, matview]) await database.execute('listener', `VACUUM ANALYZE ${table}`);
    }
    say('new rows, until visible');
    const times = await timeToFresh(database, subjects, extent.samples);
    say(`catching up, ${extent.rounds} rounds`);
    const found = await catchUps(database, longest.events, { rounds: extent.rounds, newRows: extent.backlog });
    return tellEvents(name, longest.events, times, found, extent);
  } finally {
    await database.drop();
  }
}

type Times = Awaited<ReturnType<typeof timeToFresh>>;

function tellEvents(name: string, { title }: Events, times: Times, found: CatchUps, { backlog }: Extent): Findings {
  const rows = [...times].flatMap(([{ size }, list]) => list.map(({ newRows, visible, absorb, refresh }) => [
    formatNumber(size), formatNumber(newRows), formatMs(median(visible)), formatMs(median(absorb)), formatMs(median(refresh)), (median(refresh) / median(visible)).toFixed(1),
  ]));
  const fresh = renderTable(['rows of history', 'new rows', 'commit to visible', 'of it the absorb', 'REFRESH CONCURRENTLY', 'times as long'], rows);
  const rates = (what: string, rounds: CatchUps['fill']): string[] => {
    const read = median(rounds.map(({ ours }) => ours.rows));
    return [
      what, formatNumber(read), formatNumber(median(rounds.map(({ ours }) => ours.batches))), formatNumber(median(rounds.map(({ ours }) => (ours.rows * 1_000) / ours.ms))),
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
      ...flatness(name, [...times]),
      { text: `${name}: a fill takes ${fill.toFixed(2)} of the rows a second of the bare INSERT, at least ${leastCatchUp}`, met: fill >= leastCatchUp },
      { text: `${name}: catching up takes ${absorb.toFixed(2)} of the rows a second of the bare INSERT, at least ${leastCatchUp}`, met: absorb >= leastCatchUp },
    ],
  };
}

/** Each time over the longest history by that over the shortest, round by round. */
function flatness(name: string, times: readonly (readonly [Subject, readonly TimeToFresh[]])[]): Target[] {
  const [shortest, longest] = [times[0], times.at(-1)];
  if (shortest === undefined || longest === undefined) return [];
  return longest[1].map(({ newRows, visible }, index) => {
    const growth = spreadOf(pairedRatios(visible, shortest[1][index]?.visible ?? []));
    return {
      text: `${name}: until ${formatNumber(newRows)} new ${newRows === 1 ? 'row is' : 'rows are'} visible over ${formatNumber(longest[0].size)} rows takes ${formatRatio(growth)} of the time over ${formatNumber(shortest[0].size)}, at most ${mostGrowth}`,
      met: growth.median <= mostGrowth,
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
