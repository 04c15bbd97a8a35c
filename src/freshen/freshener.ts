import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { Database } from '../database/database.js';
import { classifyFailure, isConnectionLoss, sqlstateOf } from '../database/sqlstate.js';
import type { FailureKind } from '../database/sqlstate.js';
import { absorb } from './absorb.js';
import { isStuck, isWhole, type Absorbed, type AbsorbReason, type Skipped } from './absorption.js';
import { CursorMoved, recordFailure } from './cursor.js';
import { restMs, retryInMs, type RetryLimits } from './after-failure.js';
import { cancelBackend, watchRightOfWay } from './right-of-way.js';
import { ancestorsOf, nextTurnAt, nextTurns, type Turn } from './turn.js';

/** What limits the refreshes of one view, in ms. */
export interface RefreshLimits extends RetryLimits {
  readonly lockTimeoutMs: number;
  /** 0: none. */
  readonly refreshTimeoutMs: number;
  /** Compare a summary with its source so often. */
  readonly repairEveryMs?: number;
  /** How many new rows a summary takes in its first transaction. */
  readonly batchRows?: number;
}

/** What somebody decides on before each absorb. */
export interface RefreshQuestion {
  readonly view: string;
  readonly reason: AbsorbReason;
}

export interface FreshenerOptions {
  readonly database: Database;
  readonly concurrency: number;
  readonly limitsOf: (view: ServedView) => RefreshLimits;
  /** Failures in a row after which a view is given up. Default: never. */
  readonly mostAttempts?: number | undefined;
  /** A rule of the caller's: false leaves the view stale, and the next sweep asks again. Default: always. */
  readonly shouldRefresh?: ((question: RefreshQuestion) => boolean | Promise<boolean>) | undefined;
  /** Called before each absorb, which begins when it has returned: what is done for the view in its pause is to end. Never rejects. */
  readonly makeWay?: ((view: ServedView) => Promise<void>) | undefined;
  readonly onAbsorbed: (view: ServedView, reason: AbsorbReason, absorbed: Absorbed) => void;
  readonly onSkipped: (view: ServedView, reason: AbsorbReason, because: Skipped['outcome'] | 'absorbed' | 'declined') => void;
  readonly onYielded: (view: ServedView, yielded: { durationMs: number; waiters: number; times: number; retryInMs: number }) => void;
  readonly onFailed: (view: ServedView, reason: AbsorbReason, failure: Failure) => void;
  /** Something beside a refresh failed: writing a failure down, watching the right of way, cancelling. The worker goes on. */
  readonly onTrouble: (error: unknown) => void;
}

export interface Failure {
  readonly error: unknown;
  readonly kind: FailureKind;
  readonly sqlstate: string | undefined;
  /** In a row, from 1. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly retryInMs: number;
}

/** One view's place in the queue. */
interface Place {
  view: ServedView;
  due: AbsorbReason | undefined;
  /** Absorb it although nothing is known to have changed, unless an absorb began after this: see `AbsorbOptions`. */
  overdueSince: number | undefined;
  expected: boolean;
  /** Upstream views that have been absorbed since this one became due. */
  followed: Set<number>;
  running: boolean;
  notBefore: number;
  failures: number;
  yields: number;
}

/** When another worker is absorbing a view, look again after this long: it may die before it is done. */
const lookAgainMs = 500;
/** When the watermark of a summary waits for transactions to end: one more look at all gaps. */
const stuckLookMs = 2_000;
const cancelAgainMs = 100;

/**
 * Absorbs views that have become due: upstream first, `concurrency` at a time, each with a rest, each by its own
 * back-off when it fails. What is to be done next is decided by `nextTurns`; this class does it.
 */
export class Freshener {
  readonly #options: FreshenerOptions;
  readonly #places = new Map<number, Place>();
  readonly #running = new Set<Promise<void>>();
  /** Backends of what is running, also of views that are no longer served. */
  readonly #pids = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  readonly #stopping = new AbortController();
  /** Since when everything is being cancelled: done when nothing runs any more. */
  #cancelling: Promise<void> | undefined;
  #wasCancelled = false;
  #settled: (() => void)[] = [];
  /** Views that were given up: after `mostAttempts`, or where there are such and a watermark waits. */
  givenUp = 0;

  constructor(options: FreshenerOptions) {
    this.#options = options;
    setMaxListeners(0, this.#stopping.signal); // one for each rule that is being asked
  }

  /** Takes over what is served now; views that are no longer lose their place, and with it what was due. */
  serve(graph: ServedGraph): void {
    for (const id of this.#places.keys()) if (!graph.views.has(id)) this.#places.delete(id);
    for (const view of graph.views.values()) {
      const place = this.#places.get(view.id);
      if (place === undefined) this.#places.set(view.id, newPlace(view));
      else place.view = view;
    }
    this.#next();
  }

  /** A change was seen that is being debounced: views that read this one wait for it. */
  expect(view: number): void {
    const place = this.#places.get(view);
    if (place !== undefined) place.expected = true;
  }

  /** What was expected has been absorbed already. */
  unexpect(view: number): void {
    const place = this.#places.get(view);
    if (place === undefined) return;
    place.expected = false;
    this.#next();
  }

  /** Whether a change of this view is being debounced. */
  isExpected(view: number): boolean {
    return this.#places.get(view)?.expected === true;
  }

  /**
   * Absorb these views as soon as they may be: all that are known to be stale in one call, since one that is due alone
   * would not wait for an upstream named a moment later. The first reason given counts.
   *
   * @param overdueSince absorb them changed or not, unless an absorb began after this, in ms since 1970 by the server's clock
   */
  request(views: readonly number[], reason: AbsorbReason, overdueSince?: number): void {
    if (this.#isStopped()) return;
    for (const view of views) {
      const place = this.#places.get(view);
      if (place === undefined) continue;
      place.overdueSince = latest(place.overdueSince, overdueSince);
      place.expected = false;
      place.due ??= reason;
    }
    this.#next();
  }

  /** Resolves when nothing is due and nothing runs. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#next();
    });
  }

  /** Forgets back-offs: what they waited for, the server say, is there again. */
  retryNow(): void {
    for (const place of this.#places.values()) if (place.failures > 0) place.notBefore = 0;
    this.#next();
  }

  /**
   * Takes no more work, lets what runs finish within `graceMs`, then cancels it on the server. Complete when it returns.
   *
   * @returns whether everything finished by itself
   */
  async stop(graceMs: number): Promise<boolean> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    const grace = setTimeout(() => void this.cancel(), graceMs);
    await Promise.all(this.#running);
    clearTimeout(grace);
    return !this.#wasCancelled;
  }

  /** Takes no more work, and cancels on the server what is running. For a stop that can wait no longer. */
  cancel(): Promise<void> {
    this.#stopping.abort();
    this.#cancelling ??= this.#cancelAll();
    return this.#cancelling;
  }

  async #cancelAll(): Promise<void> {
    // One that comes between two statements of an absorb is lost: again, until nothing runs.
    while (this.#running.size > 0) {
      await Promise.all([...this.#pids].map((pid) => cancelBackend(this.#options.database, pid).catch(this.#options.onTrouble)));
      await Promise.race([Promise.all(this.#running), pause(cancelAgainMs)]);
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #next(): void {
    if (this.#isStopped()) return;
    const now = performance.now();
    const turns = new Map([...this.#places].map(([id, place]) => [id, turnOf(place)]));
    for (const id of nextTurns(turns, now, this.#options.concurrency - this.#running.size)) {
      const place = this.#places.get(id);
      if (place === undefined) continue;
      const run = this.#run(place).finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
    clearTimeout(this.#timer);
    const at = nextTurnAt(turns, now);
    if (at !== undefined) this.#timer = setTimeout(() => this.#next(), Math.ceil(at - now));
    if (this.#running.size === 0 && ![...this.#places.values()].some((place) => place.due !== undefined)) {
      for (const resolve of this.#settled.splice(0)) resolve();
    }
  }

  /** One absorb of one view. What comes while it runs makes the view due once more. */
  async #run(place: Place): Promise<void> {
    const reason = place.due ?? 'change';
    const { view, overdueSince } = place;
    place.due = undefined;
    place.overdueSince = undefined;
    place.followed = new Set();
    place.running = true;
    const startedAt = performance.now();
    const done = new AbortController();
    let pid: number | undefined;
    let rightOfWay: Promise<number | undefined> = Promise.resolve(undefined);
    try {
      const mayRefresh = await this.#mayRefresh(view, reason);
      if (this.#isStopped()) return;
      if (!mayRefresh) {
        this.#options.onSkipped(view, reason, 'declined');
        return;
      }
      await this.#options.makeWay?.(view);
      if (this.#isStopped()) return;
      const { lockTimeoutMs, refreshTimeoutMs, repairEveryMs, batchRows } = this.#options.limitsOf(view);
      const result = await absorb(this.#options.database, view, {
        reason,
        lockTimeoutMs,
        refreshTimeoutMs,
        overdueSince,
        repairEveryMs,
        batchRows,
        signal: this.#stopping.signal,
        onWorking: (work) => {
          pid = work.transaction.pid;
          this.#pids.add(pid);
          // Its trouble never costs the refresh, whose own connection tells if the server is gone.
          rightOfWay = watchRightOfWay(this.#options.database, work, view.oid, place.yields, {
            signal: done.signal, onTrouble: this.#options.onTrouble,
          });
        },
      });
      if (result.outcome === 'locked') place.overdueSince = latest(place.overdueSince, overdueSince);
      this.#finished(place, reason, result, performance.now() - startedAt);
    } catch (error) {
      done.abort();
      const waiters = await rightOfWay;
      place.overdueSince = latest(place.overdueSince, overdueSince);
      await this.#failed(place, reason, error, performance.now() - startedAt, waiters);
    } finally {
      done.abort();
      if (pid !== undefined) this.#pids.delete(pid);
      place.running = false;
    }
  }

  /**
   * A rule that throws is told of, and refreshes: a fault in it must not leave a view stale for ever. One that never answers
   * does not hold up a stop.
   */
  async #mayRefresh(view: ServedView, reason: AbsorbReason): Promise<boolean> {
    if (this.#options.shouldRefresh === undefined) return true;
    let leave: () => void = () => undefined;
    const stopped = new Promise<boolean>((resolve) => (leave = () => resolve(false)));
    this.#stopping.signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#options.shouldRefresh({ view: view.name, reason }), stopped]);
    } catch (error) {
      this.#options.onTrouble(error);
      return true;
    } finally {
      this.#stopping.signal.removeEventListener('abort', leave);
    }
  }

  #finished(place: Place, reason: AbsorbReason, result: Absorbed | Skipped, durationMs: number): void {
    const now = performance.now();
    if (result.outcome === 'locked') {
      // Whoever holds the lock may have read its snapshot before our change: only a look under the lock can tell.
      place.due ??= reason;
      place.notBefore = now + lookAgainMs;
      this.#options.onSkipped(place.view, reason, 'locked');
      return;
    }
    place.failures = 0;
    place.yields = 0;
    if (result.outcome !== 'absorbed') {
      this.#options.onSkipped(place.view, reason, result.outcome);
      this.#beFollowed(place);
      return;
    }
    if (isWhole(result)) place.notBefore = now + restMs(durationMs);
    else if (isStuck(result) && this.#options.mostAttempts !== undefined) this.givenUp += 1; // it may wait for as long as somebody's transaction
    else {
      // The rest follows at once, unless no row could be taken.
      place.due ??= reason;
      place.notBefore = now + (isStuck(result) ? stuckLookMs : 0);
    }
    this.#options.onAbsorbed(place.view, reason, result);
    if (result.changed) {
      const dependents = [...this.#places.values()].filter((dependent) => dependent.view.upstream.includes(place.view.id));
      this.request(dependents.map((dependent) => dependent.view.id), 'upstream');
    }
    this.#beFollowed(place);
  }

  /** Views that are due and read this one, near or far, have it behind them. */
  #beFollowed({ view }: Place): void {
    const views = new Map([...this.#places].map(([id, place]) => [id, place.view]));
    for (const reader of this.#places.values()) {
      if (reader.due !== undefined && ancestorsOf(views, reader.view).has(view.id)) reader.followed.add(view.id);
    }
  }

  async #failed(place: Place, reason: AbsorbReason, error: unknown, durationMs: number, waiters: number | undefined): Promise<void> {
    const now = performance.now();
    if (this.#cancelling !== undefined) {
      this.#wasCancelled = true; // by our own stop: nothing failed, and the view stays stale
      return;
    }
    place.due ??= reason;
    if (error instanceof CursorMoved) {
      place.notBefore = now;
      this.#options.onSkipped(place.view, reason, 'absorbed');
      return;
    }
    const kind = classifyFailure(error);
    if (kind === 'cancelled' && waiters !== undefined) {
      place.yields += 1;
      const wait = retryInMs('transient', place.yields, this.#options.limitsOf(place.view), Math.random);
      place.notBefore = now + wait;
      this.#options.onYielded(place.view, { durationMs, waiters, times: place.yields, retryInMs: wait });
      return;
    }
    place.failures += 1;
    const wait = retryInMs(kind, place.failures, this.#options.limitsOf(place.view), Math.random);
    place.notBefore = now + wait;
    const sqlstate = sqlstateOf(error);
    this.#options.onFailed(place.view, reason, { error, kind, sqlstate, attempt: place.failures, durationMs, retryInMs: wait });
    if (place.failures >= (this.#options.mostAttempts ?? Infinity)) {
      place.due = undefined;
      this.givenUp += 1;
    }
    if (isConnectionLoss(error)) return; // nowhere to write it
    const message = error instanceof Error ? error.message : String(error);
    await recordFailure(this.#options.database, place.view, reason, { durationMs, sqlstate: sqlstate ?? null, message }).catch(
      this.#options.onTrouble,
    );
  }
}

function newPlace(view: ServedView): Place {
  return { view, due: undefined, overdueSince: undefined, expected: false, followed: new Set(), running: false, notBefore: 0, failures: 0, yields: 0 };
}

/** An absorb that began after the later of two moments will do for both. */
function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function turnOf(place: Place): Turn {
  return {
    id: place.view.id, upstream: place.view.upstream, due: place.due !== undefined, expected: place.expected,
    followed: place.followed, running: place.running, notBefore: place.notBefore,
  };
}
