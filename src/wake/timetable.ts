import { Cron } from 'croner';
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
  /** A view has come of age. `overdueSince`: an absorb that began after this will do, in ms since 1970 by the server's clock. */
  readonly onDue: (view: number, overdueSince: number) => void;
  /** The ages could not be read: the next check tries again. */
  readonly onTrouble: (error: unknown) => void;
}

/** When the last absorb of a view began, and what time it is, in ms since 1970 by the server's clock. */
export interface Age {
  /** Null: there was none. */
  readonly absorbedAtMs: number | null;
  readonly nowMs: number;
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
    let ages: Map<number, Age>;
    try {
      const rows = await this.#options.database.rows<Age & { id: number }>(viewAgesQuery, [this.#views.map(({ id }) => id)]);
      ages = new Map(rows.map((row) => [row.id, row]));
    } catch (error) {
      this.#options.onTrouble(error);
      return;
    }
    if (this.#isStopped()) return;
    const next: number[] = [];
    for (const view of this.#views) {
      const age = ages.get(view.id);
      if (age === undefined) continue;
      const { overdueSince, nextInMs } = whenDue(this.#options.timesOf(view), age);
      if (overdueSince !== undefined) this.#options.onDue(view.id, overdueSince);
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
 * When must a view be refreshed, changed or not? By the server's clock, which is the one that the view reads. Pure.
 *
 * @returns `overdueSince`: it is due, unless an absorb began after this; else `nextInMs`: how long until it is
 */
export function whenDue(
  { maxAgeMs, schedule }: Times, { absorbedAtMs, nowMs }: Age,
): { readonly overdueSince?: number; readonly nextInMs?: number } {
  const absorbedAt = absorbedAtMs ?? -Infinity;
  const due: number[] = [];
  const coming: number[] = [];
  if (maxAgeMs !== undefined) {
    due.push(nowMs - maxAgeMs);
    coming.push(absorbedAt + maxAgeMs);
  }
  if (schedule !== undefined) {
    const cron = new Cron(schedule, { paused: true });
    // The moment itself counts as past.
    const [last] = cron.previousRuns(1, new Date(Math.floor(nowMs) + 1));
    if (last !== undefined) due.push(last.getTime());
    const next = cron.nextRun(new Date(nowMs));
    if (next !== null) coming.push(next.getTime());
  }
  const overdueSince = Math.max(...due.filter((moment) => absorbedAt < moment));
  if (overdueSince > -Infinity) return { overdueSince };
  return coming.length > 0 ? { nextInMs: Math.max(1, Math.min(...coming) - nowMs) } : {};
}
