import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { BenchDatabase } from '../server.js';
import { startWorkerProcess } from '../worker-process.js';
import type { Events } from './events.js';

export interface Samples {
  readonly newRows: number;
  /** How often the summary is looked at, and how often the view is refreshed after it. */
  readonly samples: number;
  readonly refreshes: number;
}

/** In ms. */
export interface TimeToFresh {
  readonly newRows: number;
  readonly visible: readonly number[];
  readonly absorb: readonly number[];
  readonly refresh: readonly number[];
}

/** New rows come: how long until a reader of the summary sees the last of them, and how long would a materialized view take? */
export async function timeToFresh(
  database: BenchDatabase, events: Events, { summary, matview }: { readonly summary: string; readonly matview: string }, plan: readonly Samples[],
): Promise<TimeToFresh[]> {
  const [app, owner] = [await database.connect('app'), await database.connect('listener')];
  const worker = await startWorkerProcess(database.url('listener'), ['--views', summary, '--debounce', '0']);
  try {
    const results: TimeToFresh[] = [];
    for (const { newRows, samples, refreshes } of plan) {
      const [visible, absorb, refresh]: [number[], number[], number[]] = [[], [], []];
      // One before, that is forgotten.
      for (let sample = -1; sample < samples; sample += 1) {
        const from = worker.events.mark;
        const ms = await untilVisible(app, owner, events, summary, newRows);
        const done = await worker.events.next('refresh.done', () => true, from);
        if (sample >= 0) {
          visible.push(ms);
          absorb.push(done.durationMs);
          if (sample < refreshes) refresh.push(await timed(owner, `REFRESH MATERIALIZED VIEW CONCURRENTLY ${matview}`));
        }
        await sleep(ms * 2 + 300); // isolated: the summary has rested, the hold is over
      }
      results.push({ newRows, visible, absorb, refresh });
    }
    return results;
  } finally {
    await worker.stop();
  }
}

async function untilVisible(app: pg.Client, owner: pg.Client, events: Events, summary: string, newRows: number): Promise<number> {
  // When the group of the last row was written.
  const look = `SELECT max(updated_at)::text AS at FROM ${summary} WHERE ${events.last(newRows)}`;
  const shown = async (): Promise<string | undefined> => (await owner.query<{ at: string }>(look)).rows[0]?.at;
  const before = await shown();
  await app.query(events.newRows(newRows));
  const startedAt = performance.now();
  while ((await shown()) === before) await sleep(1);
  return performance.now() - startedAt;
}

async function timed(client: pg.Client, sql: string): Promise<number> {
  const startedAt = performance.now();
  await client.query(sql);
  return performance.now() - startedAt;
}
