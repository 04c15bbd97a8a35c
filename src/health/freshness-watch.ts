import { performance } from 'node:perf_hooks';
import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { ViewSettings } from '../config/view-settings.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { EarliestTimer } from './earliest-timer.js';
import { freshnessTargetMs } from './freshness-target.js';
import { KeptTargets } from './kept-targets.js';
import { missBecause, readMissCauses } from './miss-cause.js';
import { Misses, type Miss, type MissedTarget, type MissEnd } from './misses.js';
import { readersOf } from './readers.js';
import { judgeStanding, spreadStaleness, type Standing, type StalenessRow } from './staleness.js';

const viewStalenessQuery = loadQuery('view-staleness');

export interface FreshnessWatchOptions {
  readonly database: Database;
  readonly settingsOf: (view: ServedView) => Pick<ViewSettings, 'freshnessMs' | 'maxWaitMs' | 'maxAgeMs' | 'schedule'>;
  /** How often the worker looks for changes, in ms; 0: it is told of each. */
  readonly pollMs: () => number;
  /** A view has missed its target. Told once. `because`: clauses to follow a colon; null: nobody knows. */
  readonly onMissed: (missed: MissedTarget & { readonly because: string | null }) => void;
  /** Told once of each miss that was told. */
  readonly onRestored: (restored: { readonly view: string; readonly missedForMs: number; readonly because: MissEnd }) => void;
  /** A look failed: the next sweep looks again. */
  readonly onTrouble: (error: unknown) => void;
}

/** How often to ask whether a miss has ended: another worker may have refreshed the view. */
const askAgainMs = 5_000;

/**
 * Tells when a view has been stale for longer than its target, and when that is over. It asks the database at the earliest moment
 * at which a view that is known to be stale may miss its target, all views in one query: while nothing is stale, nothing runs.
 */
export class FreshnessWatch {
  readonly #options: FreshnessWatchOptions;
  readonly #kept: KeptTargets;
  readonly #misses: Misses;
  readonly #timer = new EarliestTimer(() => void this.look());
  readonly #standings = new Map<number, Standing>();
  readonly #lastDurations = new Map<number, number>();
  #views: ReadonlyMap<number, ServedView> = new Map();
  #readers: ReadonlyMap<number, readonly ServedView[]> = new Map();
  /** What to add to our steady clock to have the server's, in ms since 1970. */
  #clockOffsetMs: number | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #stopped = false;

  constructor(options: FreshnessWatchOptions) {
    this.#options = options;
    this.#kept = new KeptTargets(options.database);
    this.#misses = new Misses((ended) => (this.#stopped ? undefined : options.onRestored(ended)));
  }

  /** The views that are over their targets now. */
  get missed(): readonly MissedTarget[] {
    return this.#misses.at(this.#serverNow() ?? 0);
  }

  /** How long a view may be stale, in ms. */
  targetMs(view: ServedView): number {
    const settings = this.#options.settingsOf(view);
    return freshnessTargetMs(settings, {
      maxWaitMs: settings.maxWaitMs, pollMs: this.#options.pollMs(), lastDurationMs: this.#lastDurations.get(view.id) ?? null,
    });
  }

  /** Takes over what is served now; of a view that is no longer, nothing is missed. */
  serve(graph: ServedGraph): void {
    this.#views = graph.views;
    this.#readers = readersOf(graph.views);
    for (const id of this.#standings.keys()) if (!graph.views.has(id)) this.#standings.delete(id);
    for (const id of [...this.#misses.ids()]) if (!graph.views.has(id)) this.#misses.end(id, 'removed', this.#serverNow() ?? 0);
  }

  /** These views have become stale, as far as this worker knows: they are looked at when the first target is over. */
  stale(views: Iterable<number>): void {
    for (const id of views) {
      for (const reader of this.#readers.get(id) ?? []) this.#lookIn(this.targetMs(reader));
    }
  }

  /** A view shows all that had been committed when its absorb began, so long ago. */
  absorbed(view: number, durationMs: number): void {
    this.#lastDurations.set(view, durationMs);
    const [standing, now] = [this.#standings.get(view), this.#serverNow()];
    if (standing !== undefined && now !== undefined) this.#standings.set(view, { ...standing, freshAtMs: now - durationMs });
    this.refreshed(view);
  }

  /** Somebody has refreshed a view, or paused it: has a miss ended? */
  refreshed(view: number): void {
    if ((this.#readers.get(view) ?? []).some(({ id }) => this.#misses.has(id))) void this.look();
  }

  /** A sweep has found these views stale, and no other: at the start, and where there is something to find, it is looked into. */
  async swept(stale: ReadonlySet<number>): Promise<void> {
    const now = this.#serverNow();
    if (now === undefined || stale.size > 0 || this.#misses.size > 0) await this.look();
    else {
      for (const [id, standing] of this.#standings) this.#standings.set(id, { ...standing, staleSinceMs: undefined, freshAtMs: now });
    }
    if (this.#isStopped()) return;
    await this.#kept.keep(new Map([...this.#views.values()].map((view) => [view.id, this.targetMs(view)])));
  }

  /** Asks now, and once more for whoever calls meanwhile. Never rejects. */
  look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#lookUntilAnswered().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Complete when it returns. Harmless twice. Nothing is told any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer.clear();
    await this.#looking;
  }

  async #lookUntilAnswered(): Promise<void> {
    while (this.#lookAgain && !this.#isStopped() && this.#views.size > 0) {
      this.#lookAgain = false;
      try {
        await this.#lookOnce();
      } catch (error) {
        if (!this.#isStopped()) this.#options.onTrouble(error);
        return;
      }
    }
  }

  async #lookOnce(): Promise<void> {
    this.#timer.clear();
    const rows = await this.#options.database.rows<StalenessRow>(viewStalenessQuery, [[...this.#views.keys()]]);
    if (this.#isStopped()) return;
    for (const row of rows) {
      const view = this.#views.get(row.id);
      if (view === undefined) continue;
      this.#clockOffsetMs = row.nowMs - performance.now();
      if (row.lastDurationMs !== null) this.#lastDurations.set(row.id, row.lastDurationMs);
      this.#standings.set(row.id, judgeStanding(this.#standings.get(row.id), row, this.#options.settingsOf(view)));
    }
    const now = this.#serverNow();
    if (now !== undefined) await this.#judge(now);
  }

  /** Which views have missed their targets, which no longer do, and when must it be asked again? */
  async #judge(now: number): Promise<void> {
    const stale = spreadStaleness(this.#views, this.#standings);
    const missing: { readonly miss: Miss; readonly through: number | undefined }[] = [];
    for (const view of this.#views.values()) {
      const { id, name } = view;
      const found = stale.get(id);
      const targetMs = this.targetMs(view);
      if (found === undefined || now - found.sinceMs <= targetMs) {
        this.#misses.end(id, this.#standings.get(id)?.paused === true ? 'paused' : 'refreshed', now);
        if (found !== undefined) this.#lookIn(found.sinceMs + targetMs - now + 1);
        continue;
      }
      this.#lookIn(askAgainMs);
      const miss = this.#misses.begin(id, name, found.sinceMs, targetMs);
      if (miss !== undefined) missing.push({ miss, through: found.through });
    }
    if (missing.length > 0) await this.#tell(missing, now);
  }

  async #tell(missing: readonly { readonly miss: Miss; readonly through: number | undefined }[], now: number): Promise<void> {
    // A miss is told, whether or not its cause can be found.
    const causes = await readMissCauses(this.#options.database, missing.map(({ miss }) => miss.id)).catch((error: unknown) => {
      this.#options.onTrouble(error);
      return undefined;
    });
    for (const { miss, through } of missing) {
      if (this.#isStopped() || !this.#misses.tell(miss)) continue;
      const because = missBecause(causes?.get(miss.id), through === undefined ? undefined : this.#views.get(through)?.name, miss.targetMs);
      this.#options.onMissed({ view: miss.view, stalenessMs: Math.round(now - miss.sinceMs), targetMs: Math.round(miss.targetMs), because });
    }
  }

  #lookIn(ms: number): void {
    if (!this.#stopped) this.#timer.within(ms);
  }

  #serverNow(): number | undefined {
    return this.#clockOffsetMs === undefined ? undefined : this.#clockOffsetMs + performance.now();
  }

  #isStopped(): boolean {
    return this.#stopped;
  }
}
