import { emptyGraph, type ServedGraph, type ServedView } from './catalog/graph.js';
import { needsTrigger, type Survey, type SurveyedSource } from './catalog/survey.js';
import { redactUrls } from './config/redact-url.js';
import { mostYields } from './freshen/right-of-way.js';
import { isStuck, isWhole, type Absorbed, type AbsorbReason } from './freshen/absorption.js';
import type { FreshenerOptions } from './freshen/freshener.js';
import type { UpkeepOptions } from './freshen/upkeep.js';
import type { EventOf } from './report/event.js';
import type { Log } from './report/log.js';
import type { SweepObserver } from './wake/sweep.js';

const stuckTellMs = 5 * 60_000;

/** Turns what the parts of the worker tell into events of the log. */
export class WorkerReport {
  readonly #log: Log;
  readonly #install: boolean;
  /** Sources without a trigger that is not ours to create. */
  #untriggered: ReadonlySet<number> = new Set();
  readonly #unwatched = new Set<number>();
  readonly #missing = new Set<string>();
  /** What was found before it was known which views are served: told once it is, in a later sweep if this one fails. */
  readonly #toTell: ((graph: ServedGraph) => void)[] = [];
  #graph: ServedGraph = emptyGraph;
  /** When it was last told of a summary that it waits, by view. */
  readonly #toldStuck = new Map<number, number>();
  /** Until the worker is ready its own installing is no news of added views and missing triggers. */
  #starting = true;

  /** @param install whether the worker creates triggers where they are missing */
  constructor(log: Log, install = true) {
    this.#log = log;
    this.#install = install;
  }

  started(): void {
    this.#starting = false;
  }

  readonly freshener: Pick<FreshenerOptions, 'onAbsorbed' | 'onSkipped' | 'onYielded' | 'onFailed'> = {
    onAbsorbed: (view, reason, absorbed) => {
      if (this.#isNews(view, absorbed)) this.#log.emit(absorbedEvent(reason, absorbed));
    },
    onSkipped: (view, reason, because) => this.#log.emit({ event: 'refresh.skipped', view: view.name, reason, because }),
    onYielded: (view, { durationMs, waiters, times, retryInMs }) =>
      this.#log.emit({
        event: 'refresh.yielded', view: view.name, durationMs: Math.round(durationMs), waiters, times, maxTimes: mostYields, retryInMs,
      }),
    onFailed: (view, reason, { error, kind, sqlstate, attempt, durationMs, retryInMs }) =>
      this.#log.emit({
        event: 'refresh.failed', view: view.name, reason, attempt, kind, sqlstate: sqlstate ?? null, error: messageOf(error),
        retryInMs, durationMs: Math.round(durationMs),
      }),
  };

  readonly upkeep: Pick<UpkeepOptions, 'onTidied'> = {
    onTidied: (_view, { chore, name, deadRows, deadRowsLeft, changedRows, durationMs: unrounded }) => {
      const durationMs = Math.round(unrounded);
      this.#log.emit(chore === 'vacuum'
        ? { event: 'view.vacuumed', view: name, deadRows, deadRowsLeft, durationMs }
        : { event: 'view.analyzed', view: name, changedRows, durationMs });
    },
  };

  readonly sweep: Omit<SweepObserver, 'onGraph' | 'onUnheard'> = {
    onLogState: (state) => {
      if (state !== 'reset' && state !== 'moved') return;
      const event = state === 'reset' ? 'log.reset' : 'cluster.changed';
      this.#toTell.push((graph) => this.#log.emit({ event, views: namesOf(graph.views.values()) }));
    },
    onLapse: (sources) => {
      const ids = new Set(sources.flatMap((source) => source.views));
      this.#toTell.push((graph) => {
        const views = [...ids].flatMap((id) => graph.views.get(id) ?? []);
        this.#log.emit({ event: 'log.lapsed', sources: namesOf(sources), views: namesOf(views) });
      });
    },
    onTrigger: (target, fault) => {
      if (fault === 'missing' && (this.#starting || !this.#known(target.oid))) {
        this.#log.emit({ event: 'trigger.installed', source: target.name });
      } else {
        this.#log.emit({ event: 'trigger.healed', source: target.name, state: fault });
      }
    },
    onTriggerWait: (source) =>
      this.#log.info(`Waiting for running writers of ${source} before its trigger can be put in order; nobody waits for that.`, { source }),
    onTriggerTrouble: (source, error) =>
      this.#log.warn(`Could not put the trigger of ${source} in order; the next sweep tries again.`, { source, err: error }),
    onUntriggered: (sources) => {
      this.#untriggered = new Set(sources.map((source) => source.oid));
    },
    onRemoved: (source) => this.#log.emit({ event: 'trigger.removed', source }),
    onForgotten: (view) => this.#log.emit({ event: 'view.removed', view: view.name }),
    onUnseen: ({ source, change, views }) =>
      this.#log.emit({ event: 'change.unseen', source: source.name, views: namesOf(views), because: change }),
  };

  /** What is served has been found anew: tells of views that came and went, and of sources that nobody can watch. */
  graph(graph: ServedGraph, found: Survey): void {
    const before = this.#graph;
    this.#graph = graph;
    for (const tell of this.#toTell.splice(0)) tell(graph);
    const gone = [...before.views.values()].filter((view) => !graph.views.has(view.id));
    for (const view of gone) this.#log.emit({ event: 'view.missing', view: view.name });
    for (const { name } of found.missing) {
      if (!this.#missing.has(name) && gone.length === 0) this.#log.emit({ event: 'view.missing', view: name });
    }
    this.#missing.clear();
    for (const { name } of found.missing) this.#missing.add(name);
    if (!this.#starting) {
      for (const view of graph.views.values()) if (!before.views.has(view.id)) this.#log.emit({ event: 'view.added', view: view.name });
    }
    for (const view of found.views) {
      for (const source of view.sources) {
        const because = unwatchedBecause(source, this.#install, this.#untriggered.has(source.oid));
        if (because === undefined) this.#unwatched.delete(source.oid); // should that change, it is news again
        if (because === undefined || this.#unwatched.has(source.oid)) continue;
        this.#unwatched.add(source.oid);
        const views = found.views.filter((one) => one.sources.some((other) => other.oid === source.oid));
        this.#log.emit({ event: 'source.unwatched', source: source.name, views: namesOf(views), because });
      }
    }
  }

  /** A summary whose watermark waits is looked at again and again: that it does is said at once, and then every few minutes. */
  #isNews(view: ServedView, absorbed: Absorbed): boolean {
    if (!isStuck(absorbed)) {
      this.#toldStuck.delete(view.id);
      return true;
    }
    const now = performance.now();
    if (now - (this.#toldStuck.get(view.id) ?? -Infinity) < stuckTellMs) return false;
    this.#toldStuck.set(view.id, now);
    return true;
  }

  #known(oid: number): boolean {
    return [...this.#graph.sources.values()].some((source) => source.oid === oid);
  }
}

/** What an absorb did, as an event: one that left the rest for later tells how far it has come. */
export function absorbedEvent(reason: AbsorbReason, absorbed: Absorbed): EventOf<'refresh.done'> | EventOf<'summary.progress'> {
  return isWhole(absorbed) ? refreshDoneEvent(reason, absorbed) : progressEvent(absorbed);
}

function progressEvent({ name, durationMs, summary }: Absorbed): EventOf<'summary.progress'> {
  const [rows, rowsBehind] = [summary?.rowsRead ?? 0, summary?.rowsBehind ?? 0];
  const rowsPerSecond = Math.round((rows * 1_000) / Math.max(1, durationMs));
  return {
    event: 'summary.progress', view: name, phase: summary?.filling === true ? 'fill' : 'catch-up', rows, rowsBehind, rowsPerSecond,
    backlog: summary?.backlog ?? null, remainingMs: rowsPerSecond === 0 ? null : Math.round((rowsBehind / rowsPerSecond) * 1_000),
    gaps: summary?.gaps ?? 0, holders: summary?.holders ?? [],
    late: summary?.late ?? 0, closedLate: summary?.closedLate ?? 0, corrections: summary?.corrections ?? null,
  };
}

function refreshDoneEvent(reason: AbsorbReason, absorbed: Absorbed): EventOf<'refresh.done'> {
  const { name, plan, sources, stalenessMs, durationMs, inserted, updated, deleted, summary } = absorbed;
  return {
    event: 'refresh.done', view: name, plan, reason, sources, inserted, updated, deleted,
    stalenessMs: stalenessMs === null ? null : Math.round(stalenessMs), durationMs: Math.round(durationMs),
    ...(summary && {
      rowsRead: summary.rowsRead, batches: summary.batches, late: summary.late, closedLate: summary.closedLate, corrections: summary.corrections,
      gaps: summary.gaps, holders: summary.holders,
    }),
  };
}

/** A partition without a trigger of its own is no reason not to start: the grant may be missing since this morning. */
function unwatchedBecause(source: SurveyedSource, install: boolean, untriggered: boolean): string | undefined {
  if (source.kind === 'f') return 'a foreign table';
  if (!install) return untriggered ? 'a table without a working trigger, which --no-install does not create' : undefined;
  return needsTrigger(source) && !source.mayTrigger ? 'a table on which this role lacks the TRIGGER privilege' : undefined;
}

function namesOf(things: Iterable<Pick<ServedView, 'name'>>): string[] {
  return [...things].map((thing) => thing.name);
}

/** An error as an event tells it, to whoever hears: without secrets. */
export function messageOf(error: unknown): string {
  return redactUrls(error instanceof Error ? error.message : String(error));
}
