import { Cron } from 'croner';
import { performance } from 'node:perf_hooks';
import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { ViewSettings } from '../config/view-settings.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const viewAgesQuery = loadQuery('view-ages');

/** When a view is to be refreshed, changed or not. */
export type Times = Pick<ViewSettings, 'maxAgeMs' | 'schedule'>;

export interface TimetableOptions {
  readonly database: Database;
  readonly timesOf: (view: ServedView) => Times;
  /** A view has come of age. `overdueSince`: an absorb that began after this moment of `performance.now()` will do. */
  readonly onDue: (view: number, overdueSince: number) => void;
  /** The ages could not be read: the next check tries again. */
  readonly onTrouble: (error: unknown) => void;
}

/** No timer runs longer: the clock of the machine may be set meanwhile. */
const longestTimerMs = 3_600_000;

/**
 * Views that change without a write (they read the clock, say) come due by age or by schedule. Knows nothing but what the
 * database says of the last absorb, whoever did it: so of several workers one refreshes, and a time that passed while none
 * was running is made up for.
 */
export class Timetable {
  readonly #options: TimetableOptions;
  #views: readonly ServedView[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: TimetableOptions) {
    this.#options = options;
  }

  /** Whether this view comes due by the clock. */
  covers(view: number): boolean {
    return this.#views.some(({ id }) => id === view);
  }

  /** Takes over what is served now. */
  async serve(graph: ServedGraph): Promise<void> {
    this.#views = [...graph.views.values()].filter((view) => isTimed(this.#options.timesOf(view)));
    await this.check();
  }

  /** Finds what is due now, and sets the timer to what comes next. Never rejects. */
  async check(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#views.length === 0 || this.#stopped) return;
    let ages: Map<number, number | null>;
    try {
      const rows = await this.#options.database.rows<{ id: number; ageMs: number | null }>(viewAgesQuery, [this.#views.map(({ id }) => id)]);
      ages = new Map(rows.map(({ id, ageMs }) => [id, ageMs]));
    } catch (error) {
      this.#options.onTrouble(error);
      return;
    }
    if (this.#isStopped()) return;
    const next: number[] = [];
    for (const view of this.#views) {
      const ageMs = ages.get(view.id);
      if (ageMs === undefined) continue;
      const { overdueMs, nextInMs } = whenDue(this.#options.timesOf(view), ageMs, new Date());
      if (overdueMs !== undefined) this.#options.onDue(view.id, performance.now() - overdueMs);
      // What is due is checked again when it has been absorbed, and by the sweep.
      else if (nextInMs !== undefined) next.push(nextInMs);
    }
    clearTimeout(this.#timer);
    if (next.length > 0) this.#timer = setTimeout(() => void this.check(), Math.ceil(Math.min(...next, longestTimerMs)));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #isStopped(): boolean {
    return this.#stopped;
  }
}

function isTimed({ maxAgeMs, schedule }: Times): boolean {
  return maxAgeMs !== undefined || schedule !== undefined;
}

/**
 * When must a view be refreshed, changed or not? Pure.
 *
 * @param ageMs since its last absorb began; null: there was none
 * @returns `overdueMs`: it is due, unless an absorb began within so many ms; else `nextInMs`: how long until it is
 */
export function whenDue(
  { maxAgeMs, schedule }: Times, ageMs: number | null, now: Date,
): { readonly overdueMs?: number; readonly nextInMs?: number } {
  const age = ageMs ?? Infinity;
  const next: number[] = [];
  const overdue: number[] = [];
  if (maxAgeMs !== undefined) {
    if (age >= maxAgeMs) overdue.push(maxAgeMs);
    else next.push(maxAgeMs - age);
  }
  if (schedule !== undefined) {
    const cron = new Cron(schedule, { paused: true });
    // The moment itself counts as past.
    const [last] = cron.previousRuns(1, new Date(now.getTime() + 1));
    const sinceMs = last === undefined ? Infinity : now.getTime() - last.getTime();
    if (age >= sinceMs && sinceMs < Infinity) overdue.push(sinceMs);
    const coming = cron.nextRun(now);
    if (coming !== null) next.push(coming.getTime() - now.getTime());
  }
  if (overdue.length > 0) return { overdueMs: Math.min(...overdue) };
  return next.length > 0 ? { nextInMs: Math.min(...next) } : {};
}
