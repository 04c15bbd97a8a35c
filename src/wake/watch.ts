import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { emptyGraph, type ServedGraph } from '../catalog/graph.js';
import { setHold } from '../catalog/hold-register.js';
import { backoffMs } from '../config/backoff.js';
import type { Database } from '../database/database.js';
import { afterLook, afterRing, type Hold } from './hold.js';
import { LogLook, probeHolds } from './log-look.js';

export interface WatchOptions {
  readonly database: Database;
  /** What is served now. */
  readonly graph: () => ServedGraph;
  readonly holdMs: number;
  /** How often to look without being rung for, in ms; undefined: only when rung for. */
  readonly pollMs: () => number | undefined;
  /** Somebody asks to look at this view: it was resumed, say. */
  readonly onCall: (view: number) => void;
  /** These views have become stale. */
  readonly onChanges: (views: readonly number[]) => void;
  /** A look failed, and is tried again: nothing is lost, the next one sees as much. */
  readonly onTrouble: (error: unknown, attempt: number, retryInMs: number) => void;
  readonly onRecovered: () => void;
}

const retryBaseMs = 250;
const retryMaxMs = 10_000;

/**
 * Decides when to look at the log: at once on a ring, again when the hold that the ring began is over, and then for as
 * long as there is traffic or an unfinished writer. One look at a time, for all sources.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #look: LogLook;
  readonly #holds = new Map<number, Hold>();
  readonly #stop = new AbortController();
  /** Sources whose ring has not been looked into. */
  #rung = new Set<number>();
  #lookWanted = false;
  #wake = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  /** Rings that named no source we serve: junk, other workers' sources, hostility. Counted, never looked into. */
  ignoredRings = 0;
  /** All others. */
  heardRings = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#look = new LogLook(options.database);
  }

  /** Notes where the log stands now; what comes later will be found. To be called before the first sweep. */
  async start(): Promise<void> {
    await this.#look.look(() => emptyGraph);
    this.#ended = this.#run();
  }

  /** Complete when it returns. Harmless twice, and before a start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#ended;
  }

  /** The bell. A payload is data: anybody may notify the channel. */
  ring(payload: string): void {
    const view = /^view [1-9][0-9]{0,9}$/.test(payload) ? Number(payload.slice('view '.length)) : undefined;
    if (view !== undefined && this.#options.graph().views.has(view)) {
      this.heardRings += 1;
      this.#options.onCall(view);
      return;
    }
    const source = /^[1-9][0-9]{0,9}$/.test(payload) ? Number(payload) : undefined;
    if (source === undefined || !this.#options.graph().sources.has(source)) {
      this.ignoredRings += 1;
      return;
    }
    this.heardRings += 1;
    this.heed(source);
  }

  /** As if this source, one that is served, had rung. */
  heed(source: number): void {
    const hold = this.#holds.get(source);
    if (this.#rung.has(source) || (hold !== undefined && performance.now() < hold.until)) return;
    this.#rung.add(source);
    this.#wake.abort();
  }

  /** Look at once, whoever rang or not: after a reconnect rings may be missing. */
  lookNow(): void {
    this.#lookWanted = true;
    this.#wake.abort();
  }

  /** The log was lost in a crash or a fail-over: look at all there is in it since. */
  startAnew(): void {
    this.#look.forget();
    this.lookNow();
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopped()) {
      const rung = this.#rung;
      try {
        await this.#sleep();
        if (this.#isStopped()) return;
        await this.#step();
        if (failures > 0) this.#options.onRecovered();
        failures = 0;
      } catch (error) {
        if (this.#isStopped()) return;
        failures += 1;
        for (const source of rung) this.#rung.add(source);
        this.#lookWanted = true;
        const wait = backoffMs(failures, retryBaseMs, retryMaxMs, Math.random);
        this.#options.onTrouble(error, failures, wait);
        await this.#pause(wait);
      }
    }
  }

  /** Sleeps until a ring, a wanted look, the end of a hold or the next poll. */
  async #sleep(): Promise<void> {
    if (this.#lookWanted || this.#rung.size > 0) return;
    this.#wake = new AbortController();
    const now = performance.now();
    const times = [...this.#holds.values()].map((hold) => hold.lookAt - now);
    const pollMs = this.#options.pollMs();
    if (pollMs !== undefined) times.push(pollMs);
    const wait = times.length === 0 ? undefined : Math.max(0, Math.ceil(Math.min(...times)));
    // Stopping wakes, too. (A signal made of both by AbortSignal.any would be kept by the one that lives on.)
    const { signal } = this.#wake;
    if (wait === undefined) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    else await this.#pause(wait, signal);
  }

  async #pause(ms: number, signal: AbortSignal = this.#stop.signal): Promise<void> {
    try {
      await pause(ms, undefined, { signal });
    } catch {
      // Woken early: nothing but the signal ends a pause.
    }
  }

  async #step(): Promise<void> {
    const { database, holdMs } = this.#options;
    const graph = this.#options.graph();
    const rung = [...this.#rung];
    this.#rung = new Set();
    this.#lookWanted = false;
    await this.#hold(rung.filter((source) => graph.sources.has(source)), (hold, now) => afterRing(hold, now, holdMs));

    const startedAt = performance.now();
    const due = [...this.#holds].flatMap(([id, hold]) => (hold.lookAt <= startedAt ? (graph.sources.get(id) ?? []) : []));
    for (const id of this.#holds.keys()) if (!graph.sources.has(id)) this.#holds.delete(id);
    const probes = await probeHolds(database, due);
    const { sources, views } = await this.#look.look(this.#options.graph);
    if (views.length > 0) this.#options.onChanges(views);
    const found = new Set(sources);
    await this.#hold(due.map((source) => source.id), (hold, now, id) => {
      const probe = probes.get(id);
      if (hold === undefined || probe === undefined) return { setHold: false, hold };
      return afterLook(hold, { ...probe, found: found.has(id) }, now, holdMs);
    });
  }

  /** Moves sources to their next step; sets the hold register where that says so, in one statement for all. */
  async #hold(
    sources: readonly number[],
    next: (hold: Hold | undefined, now: number, id: number) => { readonly setHold: boolean; readonly hold: Hold | undefined },
  ): Promise<void> {
    const now = performance.now();
    const steps = sources.map((id) => ({ id, ...next(this.#holds.get(id), now, id) }));
    await setHold(this.#options.database, steps.filter((step) => step.setHold).map((step) => step.id), this.#options.holdMs);
    // Our clock starts after the server's: the look never comes before the hold's end. A hold that began counts from now.
    const lateMs = performance.now() - now;
    for (const { id, hold, setHold: began } of steps) {
      if (hold === undefined) this.#holds.delete(id);
      else this.#holds.set(id, began ? { ...hold, until: hold.until + lateMs, lookAt: hold.lookAt + lateMs } : hold);
    }
  }
}
