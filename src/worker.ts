import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import pRetry from 'p-retry';
import { emptyGraph, type ServedGraph, type ServedView } from './catalog/graph.js';
import { longestHoldMs } from './catalog/hold-register.js';
import { probeServerSettings, readServerFacts, requireServer, type ServerFacts } from './catalog/server.js';
import { requireInstallation } from './catalog/required-installation.js';
import { requireFound, requirePrivileges, survey } from './catalog/survey.js';
import type { Config } from './config/config.js';
import { formatDuration, longestTimerMs } from './config/duration.js';
import { settingsOf, withinTarget, type ViewSettings } from './config/view-settings.js';
import { packageVersion } from './config/package-version.js';
import { connectionSettings } from './database/connection.js';
import { overDirect } from './database/connection-error.js';
import { Database } from './database/database.js';
import { migrate, pendingMigrations } from './database/migrate.js';
import { classifyFailure } from './database/sqlstate.js';
import { isWhole, type AbsorbReason } from './freshen/absorption.js';
import { Freshener, type FreshenerOptions } from './freshen/freshener.js';
import { Upkeep } from './freshen/upkeep.js';
import { HealthEndpoint } from './health/health-endpoint.js';
import type { EventOf } from './report/event.js';
import type { Log } from './report/log.js';
import { observedLog } from './report/observed-log.js';
import { ViewAdvice } from './report/view-advice.js';
import { Calls } from './wake/calls.js';
import { Doorbell } from './wake/doorbell.js';
import { findDueRepairs } from './wake/repair.js';
import { findStaleViews } from './wake/stale-view.js';
import { holdLengthMs } from './wake/hold.js';
import { sweep } from './wake/sweep.js';
import { Sweeper } from './wake/sweeper.js';
import { Timetable } from './wake/timetable.js';
import { ViewDebounce } from './wake/view-debounce.js';
import { Watch } from './wake/watch.js';
import { WorkerHealth } from './worker-health.js';
import { WorkerReport } from './worker-report.js';
import { WorkerTrouble } from './worker-trouble.js';

export interface Worker {
  /**
   * Connects, installs what is missing, listens, sweeps once, and is ready when it resolves. Refreshes go on behind it.
   *
   * @throws UsageError for a mistake in the configuration that only the database shows
   * @throws the error of a connection that could not be made
   */
  start(): Promise<void>;
  /** Complete when it returns. With `force`, running refreshes are cancelled at once. */
  stop(options: { force: boolean }): Promise<void>;
  /** The exit status: 0, or 1 when the start failed or a refresh had to be cancelled. */
  readonly finished: Promise<number>;
}

/** The channel of the doorbell, which is also the schema's name. */
const channel = 'refresh_listener';
/** With --once a view that fails so often is given up. */
const attemptsOfOnce = 3;
/** A view that is called for is looked at so often at most. */
const callSpacingMs = 500;
/** Several sweeps must fail before a lease runs out. */
const sweepsPerLease = 3;

export interface WorkerOptions {
  readonly config: Config;
  readonly log: Log;
  /** A rule of the caller's, asked before each refresh. Default: always. */
  readonly shouldRefresh?: FreshenerOptions['shouldRefresh'];
}

/** The composition root: everything is made here, started in order and stopped in reverse. */
export function createWorker(options: WorkerOptions): Worker {
  return new ListeningWorker(options);
}

class ListeningWorker implements Worker {
  readonly finished: Promise<number>;
  readonly #config: Config;
  readonly #log: Log;
  /** Undefined without --port. */
  readonly #endpoint: HealthEndpoint | undefined;
  readonly #report: WorkerReport;
  readonly #trouble: WorkerTrouble;
  readonly #advice: ViewAdvice;
  readonly #health: WorkerHealth;
  readonly #database: Database;
  readonly #freshener: Freshener;
  readonly #upkeep: Upkeep;
  readonly #watch: Watch;
  readonly #doorbell: Doorbell;
  readonly #sweeper: Sweeper;
  readonly #timetable: Timetable;
  readonly #calls: Calls;
  readonly #debounces = new Map<number, ViewDebounce>();
  readonly #stopping = new AbortController();
  /** Aborted when a stop has nothing left to wait for. */
  readonly #ended = new AbortController();
  readonly #createdAt = performance.now();
  #graph: ServedGraph = emptyGraph;
  /** Whether rings arrive: not in polling mode, nor behind a transaction pooler, nor while the connection is lost. */
  #hearing = false;
  /** Whether writers should ring at all. */
  #ringing: boolean;
  #restoreAttempts = 0;
  #startFailed = false;
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #finish: (exitStatus: number) => void = () => undefined;

  constructor({ config, log: given, shouldRefresh }: WorkerOptions) {
    this.#config = config;
    this.#endpoint = this.#endpointOf(config, given);
    this.#database = new Database(config.databaseUrl, config.concurrency, config.listenUrl);
    this.#health = new WorkerHealth({
      config, database: this.#database, settingsOf: (view) => this.#settingsOf(view),
      log: this.#endpoint === undefined ? given : observedLog(given, (event) => this.#endpoint?.note(event)),
      pollMs: () => (this.#hearing ? 0 : config.pollMs),
      onTrouble: (error) => this.#trouble.beside('A look at the staleness of views failed', error),
    });
    const { log } = this.#health;
    this.#log = log;
    this.#report = new WorkerReport(log, config.install);
    this.#trouble = new WorkerTrouble({
      database: this.#database, log,
      isStopping: () => this.#stopping.signal.aborted,
      onLost: () => this.#watch.lookNow(),
      onUninstalled: () => void this.stop({ force: true }),
    });
    this.#ringing = config.wake === 'notify';
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#advice = new ViewAdvice({ database: this.#database, log, timesOf: (view) => this.#settingsOf(view) });
    this.#upkeep = new Upkeep({
      database: this.#database,
      ...this.#report.upkeep,
      onTrouble: (error) => this.#trouble.beside('Clearing dead rows failed', error),
    });
    this.#freshener = new Freshener({
      database: this.#database,
      concurrency: config.concurrency,
      limitsOf: (view) => this.#settingsOf(view),
      mostAttempts: config.once ? attemptsOfOnce : undefined,
      shouldRefresh,
      ...this.#report.freshener,
      makeWay: (view) => this.#upkeep.giveWay(view.id),
      onAbsorbed: (view, reason, absorbed) => {
        this.#report.freshener.onAbsorbed(view, reason, absorbed);
        this.#health.absorbed(view, absorbed);
        if (absorbed.target?.keyColumns.length === 0) this.#trouble.aside('Advice on a unique index failed', this.#advice.plain(view, absorbed.name));
        if (absorbed.name !== view.name) this.#sweeper.sweepNow(); // renamed since the last sweep
        if (this.#timetable.covers(view.id)) void this.#timetable.check();
        if (isWhole(absorbed) && this.#settingsOf(view).vacuum) this.#upkeep.tidy(view);
        this.#trouble.aside('A look at a fresh view failed', this.#dropWhatWasAbsorbed(view));
      },
      onSkipped: (view, reason, because) => {
        this.#report.freshener.onSkipped(view, reason, because);
        this.#health.skipped(view, because);
        // Dropped, and perhaps created again under another oid: find out now and not in a minute.
        if (because === 'gone') this.#sweeper.sweepNow();
        if (because === 'paused') this.#awaitResume(view.id);
      },
      onFailed: (view, reason, failure) => {
        this.#report.freshener.onFailed(view, reason, failure);
        this.#health.failed(view, failure);
      },
      onTrouble: (error) => this.#trouble.beside('Something beside a refresh failed', error),
    });
    this.#watch = new Watch({
      database: this.#database,
      graph: () => this.#graph,
      // One for all sources: that of the view that waits the shortest.
      holdMs: holdLengthMs(Math.min(...[{}, ...config.overrides.map(({ settings }) => settings)].map((settings) => withinTarget({ ...config, ...settings }).debounceMs)), longestHoldMs),
      pollMs: () => (this.#hearing ? undefined : config.pollMs),
      onCall: (view) => this.#calls.call(view),
      onChanges: (views) => this.#changed(views),
      onTrouble: (error, attempt, retryInMs) => this.#trouble.again('A look at the change log failed', error, attempt, retryInMs),
      onRecovered: () => this.#recovered(),
    });
    this.#doorbell = new Doorbell({
      connection: connectionSettings(config.listenUrl, 'listener (doorbell)'),
      ringer: connectionSettings(config.databaseUrl, 'listener (canary)'),
      channel,
      canaryMs: config.canaryMs,
      canaryTimeoutMs,
      retryBaseMs: Math.min(config.retryBaseMs, longestReconnectMs),
      retryMaxMs: Math.min(config.retryMaxMs, longestReconnectMs),
      onRing: (payload) => this.#watch.ring(payload),
      onLost: (error) => this.#deafened(error),
      onRetry: (_error, attempt) => (this.#restoreAttempts = attempt),
      onRestored: (lostForMs) => this.#restored(lostForMs),
    });
    this.#calls = new Calls({
      spacingMs: callSpacingMs,
      look: (view) => this.#lookAt(view),
      onTrouble: (error) => this.#trouble.beside('A look at a view failed', error),
    });
    this.#timetable = new Timetable({
      database: this.#database,
      timesOf: (view) => this.#settingsOf(view),
      onDue: (view, overdueSince) => {
        this.#freshener.request([view], 'schedule', overdueSince);
        this.#health.stale([view]);
      },
      onTrouble: (error) => this.#trouble.beside('A look at the ages of views failed', error),
    });
    this.#sweeper = new Sweeper({
      sweepMs: config.sweepMs,
      sweep: () => this.#sweep('sweep'),
      onTrouble: (error, attempt, retryInMs) => this.#trouble.again('The sweep failed', error, attempt, retryInMs),
      onRecovered: () => this.#recovered(),
    });
  }

  start(): Promise<void> {
    // A stop may come at any moment of the start, which has then nothing to complain of.
    this.#starting ??= this.#start().catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#startFailed = true;
      throw error;
    });
    return this.#starting;
  }

  stop({ force }: { readonly force: boolean }): Promise<void> {
    if (force && this.#stopped !== undefined) {
      void this.#freshener.cancel();
      void this.#severAfter(lastAnswerMs);
    }
    this.#stopped ??= this.#stop(force ? 0 : this.#config.graceMs);
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const config = this.#config;
    // Before anything is changed: a port that is taken must not leave a half-installed schema.
    await this.#endpoint?.start();
    const facts = await readServerFacts(this.#database);
    this.#health.database = facts.database;
    requireServer(facts, config.install);
    const found = await survey(this.#database, config.views, []);
    requireFound(found);
    requirePrivileges(found, facts, config.install);
    if (!config.install) await requireInstallation(this.#database, { found, facts, patterns: config.views });
    else if ((await pendingMigrations(this.#database)).length > 0) await overDirect(migrate(config.listenUrl, this.#stopping.signal));
    this.#database.useServerSettings(await probeServerSettings(this.#database, facts));
    this.#stopping.signal.throwIfAborted();

    if (!config.once) await this.#watch.start();
    // What is started from here on would outlive a stop that has come meanwhile.
    this.#stopping.signal.throwIfAborted();
    if (config.wake === 'notify' && !config.once) await this.#listen();
    await pRetry(() => this.#sweep('start'), {
      // Twenty starters meet in the same rows. What passes by itself must not end a start.
      retries: 5, minTimeout: 100, randomize: true, signal: this.#stopping.signal,
      shouldRetry: ({ error }) => classifyFailure(error) === 'transient',
    });
    this.#stopping.signal.throwIfAborted();
    if (!config.once) this.#sweeper.start();
    this.#report.started();
    this.#log.emit(readyEvent(facts, this.#graph, config.once ? 'once' : this.#hearing ? 'notify' : 'poll'));
    if (config.once) void this.#finishOnce();
  }

  #endpointOf({ port, host, origins, databaseUrl }: Config, log: Log): HealthEndpoint | undefined {
    if (port === undefined) return undefined;
    return new HealthEndpoint({
      config: { port, host, origins, databaseUrl }, log,
      graph: () => this.#graph,
      rings: () => ({ heard: this.#watch.heardRings, ignored: this.#watch.ignoredRings }),
      overTarget: () => this.#health.freshness.missed,
      targetMs: (view) => this.#health.freshness.targetMs(view),
      isStopping: () => this.#stopping.signal.aborted,
    });
  }

  /** With --once: what is stale has been absorbed, or given up, and that is all. */
  async #finishOnce(): Promise<void> {
    await this.#freshener.settled();
    await this.#upkeep.settled();
    await this.stop({ force: false });
  }

  async #listen(): Promise<void> {
    this.#hearing = (await overDirect(this.#doorbell.start())) === 'hears';
    if (this.#hearing) return;
    this.#ringing = false;
    this.#log.emit({ event: 'listen.deaf', waitedMs: canaryTimeoutMs, pollMs: this.#config.pollMs });
    this.#watch.lookNow();
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new Error('The worker was stopped.'));
    // First of all no more refreshes, and the grace of those that run begins: the rest may take its time.
    const finishing = this.#freshener.stop(graceMs);
    void this.#severAfter(graceMs + lastAnswerMs);
    // What is left when no refresh runs any more is short, and may be cut off sooner.
    void finishing.then(() => this.#severAfter(lastAnswerMs));
    // A start that fails because of the stop has told so to whoever called it.
    await Promise.all([
      this.#starting?.catch(() => undefined), this.#doorbell.stop(), this.#sweeper.stop(), this.#watch.stop(), this.#calls.stop(), this.#upkeep.stop(), this.#health.stop(alertFarewellMs),
    ]);
    this.#timetable.stop();
    for (const debounce of this.#debounces.values()) debounce.cancel();
    const finishedAll = await finishing;
    await this.#database.close();
    // Last: until now it has told that the worker is stopping.
    await this.#endpoint?.stop();
    this.#ended.abort();
    const exitStatus = finishedAll && !this.#startFailed && !this.#trouble.isUninstalled && this.#freshener.givenUp === 0 ? 0 : 1;
    // A start that failed is told of by whoever called it: one line, and that the right one.
    if (!this.#startFailed) this.#log.emit({ event: 'stopped', exitStatus, uptimeMs: Math.round(performance.now() - this.#createdAt) });
    this.#finish(exitStatus);
  }

  /**
   * Platforms kill what takes too long to stop. Where the server has fallen silent every connection is broken, and it rolls
   * back what was under way. In vain once everything has ended.
   */
  async #severAfter(ms: number): Promise<void> {
    try {
      await pause(Math.min(ms, longestTimerMs), undefined, { signal: this.#ended.signal });
    } catch {
      return; // stopped in time: nothing but the signal ends this pause
    }
    this.#ended.abort();
    this.#log.warn(`The database did not answer within ${formatDuration(lastAnswerMs)} while the worker stopped: breaking the connections.`);
    this.#database.sever('the worker stops and waits no longer');
  }

  async #sweep(reason: AbsorbReason): Promise<void> {
    const startedAt = performance.now();
    const { views: patterns, sweepMs, lapseMs, historyMs, install } = this.#config;
    const result = await sweep({
      database: this.#database,
      patterns,
      served: this.#graph,
      leaseMs: sweepMs * sweepsPerLease,
      lapseMs,
      historyMs,
      install,
      bell: () => (this.#config.once && this.#config.wake === 'notify' ? 'untouched' : this.#ringing ? 'ringing' : 'silent'),
      signal: this.#stopping.signal,
      observer: {
        ...this.#report.sweep,
        onTriggerTrouble: (source, error) => this.#trouble.unlessUninstalled(error, () => this.#report.sweep.onTriggerTrouble(source, error)),
        onLogState: (state) => {
          this.#report.sweep.onLogState(state);
          if (state === 'reset' || state === 'moved') this.#watch.startAnew();
        },
        onGraph: (graph, found) => {
          this.#report.graph(graph, found);
          this.#serve(graph);
        },
        // As if they rang now: their unfinished writers, who have not rung and will not, are waited for.
        onUnheard: (sources) => {
          // Who polls looks at all of them anyway, and a hold would end the silence that polling needs.
          if (this.#ringing && !this.#config.once) for (const source of sources) this.#watch.heed(source.id);
        },
      },
    });
    // What is being debounced will be absorbed in its time.
    const due = result.stale.filter((view) => !view.paused && (view.whole || !this.#freshener.isExpected(view.id)));
    this.#freshener.request(due.map((view) => view.id), reason);
    for (const view of result.stale) if (view.paused) this.#awaitResume(view.id);
    this.#freshener.request(await findDueRepairs(this.#database, this.#graph, (view) => this.#settingsOf(view).repairEveryMs), 'repair');
    await this.#timetable.serve(this.#graph);
    if (this.#config.vacuum) this.#upkeep.tidyOurs();
    this.#trouble.aside('A look at the staleness of views failed', this.#health.swept(result.stale));
    this.#trouble.aside('A look at definitions failed', this.#advice.timeless([...this.#graph.views.values()]));
    this.#trouble.restored();
    this.#log.emit({
      event: 'sweep.done', views: result.views, stale: result.stale.length, unseen: result.unseen, healed: result.mended,
      ignoredRings: this.#watch.ignoredRings,
      durationMs: Math.round(performance.now() - startedAt),
    });
  }

  #serve(graph: ServedGraph): void {
    this.#graph = graph;
    this.#freshener.serve(graph);
    this.#health.serve(graph);
    for (const [id, debounce] of this.#debounces) {
      if (graph.views.has(id)) continue;
      debounce.cancel();
      this.#debounces.delete(id);
    }
    for (const [id, view] of graph.views) {
      if (this.#debounces.has(id)) continue;
      const { debounceMs, maxWaitMs } = this.#settingsOf(view);
      this.#debounces.set(id, new ViewDebounce(debounceMs, maxWaitMs, () => this.#freshener.request([id], 'change')));
    }
  }

  #settingsOf(view: ServedView): ViewSettings {
    return withinTarget(settingsOf(this.#config, view));
  }

  /** Somebody called for a view: it was resumed, say. Nothing is refreshed that is not stale. */
  async #lookAt(view: number): Promise<void> {
    const [stale] = await findStaleViews(this.#database, [view]);
    if (stale !== undefined) await this.#health.look();
    if (stale?.paused === true) this.#awaitResume(view);
    else if (stale !== undefined) this.#freshener.request([view], 'change');
    if (this.#timetable.covers(view)) await this.#timetable.check();
  }

  /** Who resumes a view calls for it. A worker that hears no call asks again and again. */
  #awaitResume(view: number): void {
    if (!this.#hearing && !this.#config.once) this.#calls.call(view);
  }

  #changed(views: readonly number[]): void {
    this.#health.stale(views);
    for (const view of views) {
      this.#freshener.expect(view);
      this.#debounces.get(view)?.touch();
    }
  }

  /**
   * A look during an absorb cannot know what that will have absorbed. If it was all, nothing is waited for any more,
   * and the views that read this one need not wait either.
   */
  async #dropWhatWasAbsorbed(view: ServedView): Promise<void> {
    const debounce = this.#debounces.get(view.id);
    if (debounce === undefined || !this.#freshener.isExpected(view.id)) return;
    const { touches } = debounce;
    const stale = await findStaleViews(this.#database, [view.id]);
    if (stale.length > 0 || debounce.touches !== touches) return;
    debounce.cancel();
    this.#freshener.unexpect(view.id);
  }

  #deafened(error: string): void {
    this.#hearing = false;
    this.#restoreAttempts = 0;
    this.#log.emit({ event: 'listen.lost', error });
    this.#watch.lookNow();
  }

  #restored(lostForMs: number): void {
    this.#hearing = true;
    this.#log.emit({ event: 'listen.restored', lostForMs, attempts: this.#restoreAttempts + 1 });
    this.#watch.lookNow();
    this.#sweeper.sweepNow();
  }

  #recovered(): void {
    this.#trouble.restored();
    this.#freshener.retryNow();
    this.#sweeper.sweepNow();
  }
}

/** How long the server may take to answer to a cancel, and to what is short, while the worker stops. */
const lastAnswerMs = 4_000;
/** How long what is queued for the webhook may take while the worker stops. */
const alertFarewellMs = 2_000;
/** Limit on hearing a canary. */
const canaryTimeoutMs = 5_000;
/** A doorbell that is lost costs latency, not correctness, and one connection attempt costs little. */
const longestReconnectMs = 30_000;

function readyEvent(facts: ServerFacts, graph: ServedGraph, wake: EventOf<'ready'>['wake']): Parameters<Log['emit']>[0] {
  return {
    event: 'ready',
    version: packageVersion,
    server: facts.version.split(' ')[0] ?? facts.version,
    database: facts.database,
    views: [...graph.views.values()].map((view) => view.name),
    sources: graph.sources.size,
    wake,
  };
}
