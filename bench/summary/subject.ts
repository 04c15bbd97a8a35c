import { execFile } from 'node:child_process';
import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import { readRegisteredGraph } from '../../src/catalog/registered-graph.js';
import { Database } from '../../src/database/database.js';
import { absorb } from '../../src/freshen/absorb.js';
import type { BenchDatabase } from '../server.js';
import type { Events } from './events.js';

const run = promisify(execFile);
const command = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** `listener summary create`, as a user would. */
export async function createSummary(database: BenchDatabase, { definition, bucket }: Pick<Events, 'definition' | 'bucket'>, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pg-refresh-listener-bench-'));
  try {
    const file = join(folder, 'definition.sql');
    await writeFile(file, definition);
    await listener(database, ['summary', 'create', name, '--from', file, '--bucket', bucket]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function dropSummary(database: BenchDatabase, name: string): Promise<void> {
  await listener(database, ['summary', 'drop', name, '--yes']);
}

async function listener(database: BenchDatabase, args: readonly string[]): Promise<void> {
  await run(process.execPath, [command, ...args], { env: { ...process.env, DATABASE_URL: database.url('listener') } });
}

/** What was read, in how many transactions, and how long that took. */
export interface CatchUp {
  readonly rows: number;
  readonly batches: number;
  readonly ms: number;
}

/** Absorbs a summary in this process until nothing is left, without a worker around it. */
export async function absorbAll(database: BenchDatabase, name: string): Promise<CatchUp> {
  const own = new Database(database.url('listener'), 1);
  try {
    const view = [...(await readRegisteredGraph(own)).views.values()].find((one) => one.name === name);
    if (view === undefined) throw new Error(`${name} is not registered`);
    let [rows, batches, ms] = [0, 0, 0];
    for (;;) {
      const startedAt = performance.now();
      const absorbed = await absorb(own, view, { reason: 'manual', lockTimeoutMs: 5_000, refreshTimeoutMs: 0 });
      if (absorbed.outcome === 'fresh') return { rows, batches, ms };
      if (absorbed.outcome !== 'absorbed') throw new Error(`${name} was not absorbed: ${absorbed.outcome}`);
      rows += absorbed.summary?.rowsRead ?? 0;
      batches += absorbed.summary?.batches ?? 0;
      ms += performance.now() - startedAt;
    }
  } finally {
    await own.close();
  }
}

/** An empty table like a summary, with its key. */
export async function createBare(owner: pg.Client, summary: string): Promise<void> {
  await owner.query(`DROP TABLE IF EXISTS public.bare`);
  await owner.query(`CREATE TABLE public.bare (LIKE ${summary} INCLUDING ALL)`);
}

/** `INSERT ... SELECT ... GROUP BY` of rows with greater ids than one, into it. @returns ms */
export async function insertBare(owner: pg.Client, { definition, table }: Events, afterId: string): Promise<number> {
  const select = definition.replace(`FROM public.${table} `, `FROM public.${table} WHERE id > ${afterId} `);
  const { fields } = await owner.query(`SELECT * FROM (${definition}) AS d LIMIT 0`);
  const startedAt = performance.now();
  await owner.query(`INSERT INTO public.bare (${fields.map(({ name }) => name).join(', ')}) ${select}`);
  return performance.now() - startedAt;
}

/** How many rows the summary has that its definition has not, or the other way round. */
export async function differences(owner: pg.Client, { definition }: Events, summary: string): Promise<number> {
  const { fields } = await owner.query(`SELECT * FROM (${definition}) AS d LIMIT 0`);
  const shown = `SELECT ${fields.map(({ name }) => name).join(', ')} FROM ${summary}`;
  const { rows } = await owner.query<{ count: string }>(`SELECT count(*) FROM ((${shown} EXCEPT ALL ${definition}) UNION ALL (${definition} EXCEPT ALL ${shown})) AS d`);
  return Number(rows[0]?.count);
}
