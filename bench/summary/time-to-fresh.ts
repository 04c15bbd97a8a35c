import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { BenchDatabase } from '../server.js';
import { orderOf } from '../statistics.js';
import { startWorkerProcess } from '../worker-process.js';
import type { Events } from './events.js';

export interface Samples {
  readonly newRows: number;
  /** How often the summary is looked at, and how often the view is refreshed after it. */
  readonly samples: number;
  readonly refreshes: number;
}

/** A table, and what is kept of it: by the worker, and by hand. */
export interface Subject {
  readonly events: Events;
  readonly size: number;
  readonly summary: string;
  readonly matview: string;
}

/** In ms; those of one place belong to one round. */
export interface TimeToFresh {
  readonly newRows: number;
  readonly visible: number[];
  readonly absorb: number[];
  readonly refresh: number[];
}

/**
 * New rows come: how long until a reader of the summary sees the last of them, and how long would a materialized view take?
 * The subjects take turns, so that what else the machine does slows all of them.
 */
export async function timeToFresh(database: BenchDatabase, subjects: readonly Subject[], plan: readonly Samples[]): Promise<ReadonlyMap<Subject, readonly TimeToFresh[]>> {
  const [app, owner] = [await database.connect('app'), await database.connect('listener')];
  const worker = await startWorkerProcess(database.url('listener'), ['--views', subjects.map(({ summary }) => summary).join(','), '--debounce', '0']);
  try {
    const results = new Map<Subject, TimeToFresh[]>(subjects.map((subject) => [subject, []]));
    for (const { newRows, samples, refreshes } of plan) {
      for (const list of results.values()) list.push({ newRows, visible: [], absorb: [], refresh: [] });
      // One before, that is forgotten.
      for (let sample = -1; sample < samples; sample += 1) {
        for (const subject of orderOf(subjects, Math.abs(sample))) {
          const from = worker.events.mark;
          const ms = await untilVisible(app, owner, subject, newRows);
          const done = await worker.events.next('refresh.done', ({ view }) => view === subject.summary, from);
          const result = results.get(subject)?.at(-1);
          if (sample >= 0) {
            result?.visible.push(ms);
            result?.absorb.push(done.durationMs);
            if (sample < refreshes) result?.refresh.push(await timed(owner, `REFRESH MATERIALIZED VIEW CONCURRENTLY ${subject.matview}`));
          }
          await sleep(ms * 2 + 300); // isolated: the summary has rested, the hold is over
        }
      }
    }
    return results;
  } finally {
    await worker.stop();
  }
}

async function untilVisible(app: pg.Client, owner: pg.Client, { events, summary }: Subject, newRows: number): Promise<number> {
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
