import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Bench, Findings, Measure } from '../measure.js';
import type { BenchDatabase } from '../server.js';
import { formatMegabytes, formatMs, formatNumber, renderTable } from '../table.js';
import { startWorkerProcess, type WorkerProcess } from '../worker-process.js';

const debounceMs = 250;
/** From commit to visible beyond the debounce, during a flood and after. */
const mostBeyondMs = 500;
/** What a flood may leave behind. Garbage is collected when Node thinks it worth while: a leak would grow with each flood. */
const mostLeftBytes = 16 * 1_048_576;
const floods = 3;

/** Notifications on our channel that mean nothing to us: anybody may send them. */
export const flood: Measure = {
  name: 'flood',
  title: 'A flood of foreign notifications',
  async run(bench: Bench): Promise<Findings> {
    const notifications = bench.quick ? 10_000 : 100_000;
    const database = await bench.server.createDatabase('flood');
    try {
      await build(database);
      const worker = await startWorkerProcess(database.url('listener'), ['--views', 'mv', '--debounce', `${debounceMs}ms`, '--sweep', '1m']);
      try {
        return await floodWorker(bench, database, worker, notifications);
      } finally {
        await worker.stop();
      }
    } finally {
      await database.drop();
    }
  },
};

async function floodWorker(bench: Bench, database: BenchDatabase, worker: WorkerProcess, notifications: number): Promise<Findings> {
  const [app, flooder, owner] = [await database.connect('app'), await database.connect('app'), await database.connect('listener')];
  await worker.events.next('refresh.done'); // the one of the start
  await send(flooder, notifications); // Node takes its memory
  await settle();
  const from = worker.events.mark;
  const rows: string[][] = [];
  const resident = [worker.usage().residentBytes];
  const delays: number[] = [];
  for (let round = 1; round <= floods; round += 1) {
    bench.say(`flood ${round} of ${floods}`);
    const startedAt = performance.now();
    const flooding = send(flooder, notifications).then(() => performance.now() - startedAt);
    await sleep(200);
    const during = await untilSeen(app, owner);
    const seenAt = performance.now() - startedAt;
    const sentMs = await flooding;
    const after = await untilSeen(app, owner);
    await settle();
    resident.push(worker.usage().residentBytes);
    delays.push(during, after);
    rows.push([String(round), formatMs(sentMs), `${formatMs(during)}${seenAt < sentMs ? '' : ' (the flood had ended)'}`, formatMs(after), formatMegabytes(resident.at(-1) ?? NaN)]);
  }
  const refreshes = worker.events.of('refresh.done', from).length;
  const changes = floods * 2;
  const left = (resident.at(-1) ?? NaN) - (resident[0] ?? NaN);
  const slowest = Math.max(...delays);
  const table = renderTable(['flood', 'sent in', 'a change during it, visible after', 'a change after it, visible after', 'memory after it'], rows);
  return {
    body: `${formatNumber(notifications)} notifications each, with \`--debounce ${debounceMs}ms\`; memory before: ${formatMegabytes(resident[0] ?? NaN)}, after one such flood.\n\n${table}`,
    targets: [
      { text: `${refreshes} refreshes for ${changes} changes`, met: refreshes <= changes },
      { text: `memory ${left >= 0 ? 'grew' : 'shrank'} by ${formatMegabytes(Math.abs(left))} over ${floods} floods`, met: left <= mostLeftBytes },
      { text: `a change is visible after ${formatMs(slowest)} at most, of which the debounce is ${debounceMs} ms`, met: slowest <= debounceMs + mostBeyondMs },
    ],
  };
}

async function build(database: BenchDatabase): Promise<void> {
  await database.execute('app', 'CREATE TABLE public.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount integer NOT NULL)');
  await database.execute('listener', `
    CREATE MATERIALIZED VIEW public.mv AS SELECT 1 AS id, count(*) AS orders FROM public.orders;
    CREATE UNIQUE INDEX ON public.mv (id)`);
}

/** Junk of all kinds, none of it like another: PostgreSQL would send equal ones of a transaction once. */
async function send(flooder: pg.Client, notifications: number): Promise<void> {
  const batch = 1_000;
  for (let sent = 0; sent < notifications; sent += batch) {
    await flooder.query(
      `SELECT pg_notify('refresh_listener', CASE i % 4 WHEN 0 THEN i::text WHEN 1 THEN '-' || i WHEN 2 THEN 'orders ' || i ELSE repeat('x', 1000) || i END)
       FROM generate_series(${1_000_000 + sent}, ${1_000_000 + sent + batch - 1}) AS i`,
    );
  }
}

async function untilSeen(app: pg.Client, owner: pg.Client): Promise<number> {
  const before = await shown(owner);
  await app.query('INSERT INTO public.orders (amount) VALUES (1)');
  const startedAt = performance.now();
  while ((await shown(owner)) === before) await sleep(2);
  return performance.now() - startedAt;
}

async function shown(owner: pg.Client): Promise<string | undefined> {
  const { rows } = await owner.query<{ orders: string }>('SELECT orders FROM public.mv');
  return rows[0]?.orders;
}

/** What was buffered is read, and what became garbage mostly collected. */
function settle(): Promise<void> {
  return sleep(5_000);
}
