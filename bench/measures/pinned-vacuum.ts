import { performance } from 'node:perf_hooks';
import { findPgbench } from '../pgbench-driver.js';
import { pgDriver } from '../pg-driver.js';
import type { Bench, Findings, Measure } from '../measure.js';
import { median, orderOf, pairedRatios, spreadOf } from '../statistics.js';
import { formatNumber, formatRatio, renderTable } from '../table.js';
import { insertInto, WriteScene, workerDescription, type Variant } from '../write/scene.js';

const turnSeconds = 5;
const compared: readonly Variant[] = ['none', 'following'];
/** Last minute by first: what a growing heap of dead rows would press down. */
const leastTrend = 0.85;

interface Turn {
  readonly minute: number;
  readonly none: number;
  readonly following: number;
}

/** Writers and a worker beside a transaction that keeps vacuum from cleaning up: does the rate decline as dead rows pile up? */
export const pinnedVacuum: Measure = {
  name: 'pinned-vacuum',
  title: 'Under a transaction that keeps vacuum from cleaning up',
  long: true,
  async run(bench: Bench): Promise<Findings> {
    const minutes = bench.quick ? 0.5 : (bench.minutes ?? 10);
    const scene = await WriteScene.build(bench.server);
    try {
      const driver = findPgbench() ?? pgDriver;
      const run = (variant: Variant): Promise<number> =>
        driver.run(scene.url, { statements: [insertInto(variant)], clients: 16, seconds: turnSeconds });
      const pin = await scene.connect('admin');
      await pin.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await pin.query('SELECT pg_current_xact_id()'); // holds back both its snapshot and its id
      const turns: Turn[] = [];
      const startedAt = performance.now();
      for (let elapsed = 0; elapsed < minutes * 60_000; elapsed = performance.now() - startedAt) {
        const minute = Math.floor(elapsed / 60_000) + 1;
        if (turns.at(-1)?.minute !== minute) bench.say(`minute ${minute} of ${minutes}`);
        const rates: Partial<Record<Variant, number>> = {};
        for (const variant of orderOf(compared, turns.length)) rates[variant] = await run(variant);
        turns.push({ minute, none: rates.none ?? NaN, following: rates.following ?? NaN });
      }
      await pin.query('ROLLBACK');
      const { table, trend } = summarise(turns);
      const body = `16 clients, single-row inserts, ${turnSeconds} s each in turns. Driver: ${driver.name}. Worker: ${workerDescription}; ${scene.refreshes} refreshes.\n\n${table}`;
      const text = `the ratio to no trigger of the last minute is ${trend.toFixed(2)} of the first, at least ${leastTrend}`;
      return { body, targets: [{ text, met: trend >= leastTrend }] };
    } finally {
      await scene.close();
    }
  },
};

/** A row a minute, and how the ratio of the last minute compares with the first. Pure. */
export function summarise(turns: readonly Turn[]): { readonly table: string; readonly trend: number } {
  const minutes = [...new Set(turns.map((turn) => turn.minute))];
  const ratios = minutes.map((minute) => {
    const own = turns.filter((turn) => turn.minute === minute);
    const [none, following] = [own.map((turn) => turn.none), own.map((turn) => turn.following)];
    return { minute, none: median(none), following: median(following), ratio: spreadOf(pairedRatios(following, none)) };
  });
  const rows = ratios.map(({ minute, none, following, ratio }) => [String(minute), formatNumber(none), formatNumber(following), formatRatio(ratio)]);
  const table = renderTable(['minute', 'no trigger, transactions/s', 'ours, worker following', 'ratio'], rows);
  return { table, trend: (ratios.at(-1)?.ratio.median ?? NaN) / (ratios[0]?.ratio.median ?? NaN) };
}
