import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Findings, Measure } from '../measure.js';
import { manyViews, sourcesPerView } from '../many-views.js';
import { countBetween, QueryCounter } from '../query-counter.js';
import { formatMegabytes, formatNumber, renderTable } from '../table.js';
import { startWorkerProcess } from '../worker-process.js';

const sizes = [1, 500];

/** What a worker with its default options costs while nothing happens. */
export const idle: Measure = {
  name: 'idle',
  title: 'Idle cost',
  async run(bench: Bench): Promise<Findings> {
    const minutes = bench.quick ? 0.2 : 2;
    bench.say(`${(bench.quick ? [1, 10] : sizes).join(' and ')} views: creating them; then ${minutes} minutes of nothing`);
    // At the same time: each does next to nothing.
    const rows = await Promise.all((bench.quick ? [1, 10] : sizes).map((views) => idleRow(bench, views, minutes)));
    const header = ['views over sources', 'transactions a minute', 'round trips a minute', 'CPU', 'memory'];
    return { body: `Default options (\`--sweep 1m --canary 30s\`), over ${minutes} minutes.\n\n${renderTable(header, rows)}`, targets: [] };
  },
};

async function idleRow({ server }: Bench, views: number, minutes: number): Promise<string[]> {
  const database = await manyViews(server, `idle_${views}`, views);
  const counter = await QueryCounter.open(database.url('listener'));
  try {
    const worker = await startWorkerProcess(counter.url, ['--views', 'mv_*']);
    await worker.events.until(() => new Set(worker.events.of('refresh.done').map(({ view }) => view)).size === views);
    await sleep(10_000); // counters have been reported, holds are over
    const [before, count] = [worker.usage(), counter.count];
    await sleep(minutes * 60_000);
    const [after, { transactions, roundTrips }] = [worker.usage(), countBetween(count, counter.count)];
    await worker.stop();
    const cpuMs = (after.cpuMs - before.cpuMs) / minutes;
    return [
      `${formatNumber(views)} over ${formatNumber(views * sourcesPerView)}`, formatNumber(transactions / minutes), formatNumber(roundTrips / minutes),
      `${formatNumber(cpuMs)} ms a minute (${((cpuMs / 60_000) * 100).toFixed(2)}% of a core)`, formatMegabytes(after.residentBytes),
    ];
  } finally {
    await counter.close();
    await database.drop();
  }
}
