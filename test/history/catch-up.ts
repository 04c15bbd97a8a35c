import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { loadQuery } from '../../src/database/sql.js';
import type { TestDatabase } from '../support/database.js';
import type { EventRecord } from '../support/event-record.js';

const staleViewsQuery = loadQuery('stale-views');

/** Views that are stale now, by the log and the marks. */
export async function staleViews(db: TestDatabase): Promise<string[]> {
  const { rows: registered } = await db.worker.query<{ id: number; name: string }>('SELECT id, name FROM refresh_listener.view');
  const { rows } = await db.worker.query<{ id: number; whole: boolean; settled: boolean; populated: boolean; logged: boolean }>(
    staleViewsQuery, [registered.map((view) => view.id)],
  );
  return rows.flatMap(({ id, whole, settled, populated, logged }) =>
    whole || settled || !populated || logged
      ? [`${registered.find((view) => view.id === id)?.name ?? id} (${JSON.stringify({ whole, settled, populated, logged })})`]
      : [],
  );
}

export interface CatchUp {
  /** Whether sweeps count, which look for what no trigger saw; else only the log is asked. */
  readonly sweeps: boolean;
  readonly limitMs: number;
}

/**
 * Waits until the workers have caught up with writers that are idle: by the log no view is stale and, with sweeps, each
 * worker has made a sweep that began after the last change and found nothing.
 *
 * @returns undefined, or why they have not
 */
export async function caughtUp(db: TestDatabase, workers: () => readonly EventRecord[], { sweeps, limitMs }: CatchUp): Promise<string | undefined> {
  const deadline = performance.now() + limitMs;
  const marks = new Map<EventRecord, number>();
  for (;;) {
    const stale = await staleViews(db);
    const waiting = sweeps ? workers().filter((record) => !hasSweptInVain(record, marks)) : [];
    if (stale.length === 0 && waiting.length === 0) return undefined;
    if (performance.now() > deadline) {
      const complaints = workers().flatMap((record) => record.complaints.slice(-3));
      return `still stale after ${limitMs} ms: ${stale.join(', ') || `none, but ${waiting.length} workers still find something`}; ${complaints.join('; ')}`;
    }
    await pause(20);
  }
}

/** The second sweep that ends after a mark has begun after it. */
function hasSweptInVain(record: EventRecord, marks: Map<EventRecord, number>): boolean {
  const mark = marks.get(record) ?? record.mark;
  marks.set(record, mark);
  const sweeps = record.of('sweep.done', mark);
  const last = sweeps.at(-1);
  return sweeps.length >= 2 && last?.stale === 0 && last.unseen === 0 && last.healed === 0;
}
