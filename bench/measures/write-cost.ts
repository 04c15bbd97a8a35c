import { performance } from 'node:perf_hooks';
import { findPgbench } from '../pgbench-driver.js';
import { pgDriver } from '../pg-driver.js';
import type { Bench, Findings, Measure } from '../measure.js';
import { insertInto, variants, WriteScene, workerDescription, type Variant } from '../write/scene.js';
import { costBesideAppend, inRounds, ratesTable, ratioToNone, type Rates } from '../write/rounds.js';

interface Case {
  readonly title: string;
  readonly clients: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly statements: (variant: Variant) => readonly string[];
  /** What a commit waits for besides, in ms: as where the disk is in a network. Default: nothing. */
  readonly flushMs?: number;
}

/** In the other cases less is compared. */
const fewer = variants.filter((variant) => !['empty', 'append', 'deserted'].includes(variant));
const leastRatio = 0.85;

const singleRow = (variant: Variant): string[] => [insertInto(variant)];
const fiftyRows = (variant: Variant): string[] => ['BEGIN', ...Array.from({ length: 50 }, () => insertInto(variant)), 'COMMIT'];
const slow = (variant: Variant): string[] => ['BEGIN', insertInto(variant), 'SELECT pg_sleep(0.02)', 'COMMIT'];

const sixteenClients: Case = { title: 'Single-row inserts, 16 clients', clients: 16, seconds: 5, rounds: 5, statements: singleRow };
const otherCases: readonly Case[] = [
  { title: 'Single-row inserts, 16 clients, where a flush takes 1 ms longer', clients: 16, seconds: 5, rounds: 3, statements: singleRow, flushMs: 1 },
  { title: 'Single-row inserts, 1 client', clients: 1, seconds: 3, rounds: 3, statements: singleRow },
  { title: 'Transactions of 50 inserts, 16 clients', clients: 16, seconds: 4, rounds: 2, statements: fiftyRows },
  { title: 'Transactions of 20 ms with one insert, 16 clients', clients: 16, seconds: 3, rounds: 2, statements: slow },
];

/** What a trigger costs whoever writes. */
export const writeCost: Measure = {
  name: 'write-cost',
  title: 'Write cost',
  async run(bench: Bench): Promise<Findings> {
    const scene = await WriteScene.build(bench.server);
    try {
      const driver = findPgbench() ?? pgDriver;
      const runCase = async (given: Case, among: readonly Variant[]): Promise<Rates> => {
        const { title, clients, seconds, rounds, statements, flushMs = 0 } = bench.quick ? { ...given, seconds: 1, rounds: 2 } : given;
        bench.say(`${title}: ${among.length} variants, ${rounds} rounds of ${seconds} s`);
        await scene.delayFlush(flushMs);
        return inRounds(among, rounds, async (variant) => {
          await scene.prepare(variant);
          const rate = await scene.whileHeld(() => driver.run(scene.url, { statements: statements(variant), clients, seconds }));
          await scene.settle();
          return rate;
        });
      };
      const contended = await runCase(sixteenClients, variants);
      const blocks = [block(sixteenClients.title, ratesTable(contended, 'transactions/s')), costBesideAppend(contended)];
      for (const other of otherCases) blocks.push(block(other.title, ratesTable(await runCase(other, fewer), 'transactions/s')));
      blocks.push(block('A load of 1,000,000 rows in one statement', ratesTable(await load(bench, scene), 'rows/s')));

      const ours = ratioToNone(contended, 'following').median;
      const body = [`Driver: ${driver.name}. Worker: ${workerDescription}; it has refreshed ${scene.refreshes} times.`, ...blocks].join('\n\n');
      return { body, targets: [{ text: `16 clients, worker following: ${ours.toFixed(2)} of no trigger, at least ${leastRatio}`, met: ours >= leastRatio }] };
    } finally {
      await scene.close();
    }
  },
};

async function load(bench: Bench, scene: WriteScene): Promise<Rates> {
  const [rows, rounds] = bench.quick ? [100_000, 1] : [1_000_000, 2];
  bench.say(`A load of ${rows.toLocaleString('en-US')} rows: ${fewer.length} variants, ${rounds} rounds`);
  const client = await scene.connect('app');
  const admin = await scene.connect('admin');
  return inRounds(fewer, rounds, async (variant) => {
    await scene.prepare(variant);
    await admin.query('CHECKPOINT');
    const startedAt = performance.now();
    await scene.whileHeld(() => client.query(`INSERT INTO public.orders_${variant} (customer, amount) SELECT i % 1000, 12.5 FROM generate_series(1, ${rows}) AS i`));
    const seconds = (performance.now() - startedAt) / 1_000;
    await scene.settle();
    return rows / seconds;
  });
}

function block(title: string, table: string): string {
  return `### ${title}\n\n${table}`;
}

