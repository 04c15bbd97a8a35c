import { performance } from 'node:perf_hooks';
import type { Bench, Findings, Measure, Target } from '../measure.js';
import { manyViews, sourcesPerView } from '../many-views.js';
import { QueryCounter, countBetween, type QueryCount } from '../query-counter.js';
import { median } from '../statistics.js';
import { formatMegabytes, formatMs, formatNumber, renderTable } from '../table.js';
import { startWorkerProcess, type WorkerProcess } from '../worker-process.js';

const sizes = [50, 500];
/** Nothing but sweeps, and those often: what comes between the ends of two is one sweep. */
const sweepOptions = ['--views', 'mv_*', '--sweep', '2s', '--canary', '10m'];
const sweepsCounted = 3;
const longestInstallMs = 60_000;

interface Size {
  readonly views: number;
  readonly installMs: number;
  readonly absorbedMs: number;
  readonly startMs: number;
  readonly sweepMs: number;
  readonly sweep: QueryCount;
  readonly residentBytes: number;
}

/** Start-up and sweep of a worker with many views. */
export const manyViewsMeasure: Measure = {
  name: 'many-views',
  title: 'Many views',
  async run(bench: Bench): Promise<Findings> {
    const found: Size[] = [];
    for (const views of bench.quick ? [5, 50] : sizes) found.push(await measureSize(bench, views));
    const rows = found.map((size) => [
      `${formatNumber(size.views)} over ${formatNumber(size.views * sourcesPerView)}`, formatMs(size.installMs), formatMs(size.absorbedMs), formatMs(size.startMs),
      formatMs(size.sweepMs), formatNumber(size.sweep.transactions), formatNumber(size.sweep.roundTrips), formatMegabytes(size.residentBytes),
    ]);
    const header = ['views over sources', 'first start, ready', 'and all refreshed', 'next start, ready', 'a sweep', 'transactions in it', 'round trips in it', 'memory'];
    return { body: renderTable(header, rows), targets: targetsOf(found) };
  },
};

function targetsOf(sizes: readonly Size[]): Target[] {
  const counts = sizes.map(({ sweep }) => sweep.roundTrips);
  const slowest = Math.max(...sizes.map(({ installMs }) => installMs));
  return [
    { text: `a sweep takes as many queries whatever the number of views: ${counts.join(' and ')}`, met: new Set(counts).size === 1 },
    { text: `the first start takes ${formatMs(slowest)}, less than a minute`, met: slowest < longestInstallMs },
  ];
}

async function measureSize(bench: Bench, views: number): Promise<Size> {
  bench.say(`${views} views over ${views * sourcesPerView} tables: creating them`);
  const database = await manyViews(bench.server, 'many_views', views);
  const counter = await QueryCounter.open(database.url('listener'));
  try {
    bench.say('first start');
    const startedAt = performance.now();
    const first = await startWorkerProcess(counter.url, sweepOptions);
    const installMs = performance.now() - startedAt;
    await first.events.until(() => new Set(first.events.of('refresh.done').map(({ view }) => view)).size === views);
    const absorbedMs = performance.now() - startedAt;
    await first.stop();

    bench.say('next start, and sweeps');
    const startedAgainAt = performance.now();
    const worker = await startWorkerProcess(counter.url, sweepOptions);
    const startMs = performance.now() - startedAgainAt;
    const sweeps = await countSweeps(worker, counter);
    const { residentBytes } = worker.usage();
    await worker.stop();
    return { views, installMs, absorbedMs, startMs, residentBytes, ...sweeps };
  } finally {
    await counter.close();
    await database.drop();
  }
}

/** @throws when a sweep over views at rest finds something to do */
async function countSweeps(worker: WorkerProcess, counter: QueryCounter): Promise<{ sweepMs: number; sweep: QueryCount }> {
  const { events } = worker;
  // The first sweeps may find counters that have come late.
  for (let settled = 0; settled < 2; settled += 1) await nextSweep(worker);
  const counts: QueryCount[] = [];
  let before = counter.count;
  const from = events.mark;
  for (let sweep = 0; sweep < sweepsCounted; sweep += 1) {
    await nextSweep(worker);
    counts.push(countBetween(before, counter.count));
    before = counter.count;
  }
  const sweeps = events.of('sweep.done', from);
  const busy = sweeps.find(({ stale, unseen, healed }) => stale + unseen + healed > 0);
  if (busy !== undefined) throw new Error(`A sweep over views at rest had something to do: ${JSON.stringify(busy)}`);
  const sweep = counts[0] ?? { transactions: NaN, roundTrips: NaN };
  return { sweepMs: median(sweeps.map(({ durationMs }) => durationMs)), sweep: { ...sweep, roundTrips: median(counts.map(({ roundTrips }) => roundTrips)) } };
}

async function nextSweep({ events }: WorkerProcess): Promise<void> {
  await events.next('sweep.done', () => true, events.mark);
}
