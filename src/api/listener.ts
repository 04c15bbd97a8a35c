import { redactUrls } from '../config/redact-url.js';
import type { Config } from '../config/config.js';
import { UsageError } from '../config/usage-error.js';
import { connectionProblem } from '../database/connection-problem.js';
import type { RefreshQuestion } from '../freshen/freshener.js';
import type { ListenerEvent } from '../report/event.js';
import type { Log, LogFields } from '../report/log.js';
import { createWorker, type Worker } from '../worker.js';
import { Handlers, type Handler, type ListenerEventName } from './listener-events.js';
import { openLog } from './listener-log.js';
import { readListenerOptions, type ListenerOptions } from './listener-options.js';

/** A worker inside this process: it keeps views fresh from `start()` to `stop()`. */
export interface Listener extends AsyncDisposable {
  /**
   * Connects, installs what is missing in the database, listens, and looks once. Resolves when the listener is ready; the
   * first refreshes go on behind it. Called again it is the same start. Resolves, too, when `stop()` comes meanwhile.
   *
   * @throws UsageError for a mistake that only the database shows: an unknown view, a missing privilege
   * @throws Error when the database cannot be reached, with the driver's error as its `cause`. Nothing is left over then;
   *   create another listener to try again. (Once it has started, it reconnects by itself, for ever.)
   */
  start(): Promise<void>;
  /**
   * Lets running refreshes finish within `grace`, then cancels them; with `force` at once. Complete when it resolves: no
   * connection, no timer is left. Takes `grace` and five seconds at most, also when the database does not answer. Harmless
   * twice, before a start, and during one. A listener that was stopped cannot be started again.
   */
  stop(options?: { readonly force?: boolean }): Promise<void>;
  /** Resolves when it has stopped (with `once` by itself): to 0, or to 1 when the start failed or a refresh was cancelled or given up. */
  readonly finished: Promise<number>;
  /**
   * Calls `handler` with each event of that name; with every one for `event`; with trouble that is no event for `error`.
   * Handlers are called at once, in the order of their registration. One that throws, or rejects, does not harm the
   * listener: it is told of as an `error`. What nobody hears and no log takes becomes a warning of the process.
   *
   * @throws UsageError for a name that no event has
   */
  on<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this;
  once<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this;
  off<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this;
}

/**
 * Makes a listener; nothing is connected before `start()`. It installs no signal handlers and never ends the process.
 *
 *     const listener = createListener({ views: 'mv_dashboard', maxWait: '10s' });
 *     listener.on('refresh.done', ({ view, durationMs }) => metrics.timing(view, durationMs));
 *     await listener.start();
 *
 * @throws UsageError that names the option, what it was given, and what it accepts
 */
export function createListener(options: ListenerOptions): Listener {
  return new EmbeddedListener(options);
}

class EmbeddedListener implements Listener {
  readonly finished: Promise<number>;
  readonly #config: Config;
  readonly #worker: Worker;
  readonly #log: Log | undefined;
  readonly #handlers = new Handlers((name, error) => this.#faulty(name, error));
  #starting: Promise<void> | undefined;
  /** How firmly it was told to stop. */
  #stopping: 'no' | 'softly' | 'by force' = 'no';
  #isFinished = false;

  constructor(options: ListenerOptions) {
    const config = readListenerOptions(options);
    this.#config = config;
    this.#log = openLog(options.log, config.logLevel);
    const { shouldRefresh } = options;
    if (shouldRefresh !== undefined && typeof shouldRefresh !== 'function') throw new UsageError('shouldRefresh: write a function');
    this.#worker = createWorker({
      config,
      log: this.#tellingLog(),
      ...(shouldRefresh === undefined ? {} : { shouldRefresh: (question) => answer(shouldRefresh, question) }),
    });
    this.finished = this.#worker.finished;
    void this.finished.then(() => (this.#isFinished = true));
  }

  start(): Promise<void> {
    if (this.#stopping !== 'no') return Promise.reject(new Error('The listener was stopped: create another one.'));
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async stop({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const firmer = this.#stopping === 'no' || (force && this.#stopping === 'softly');
    if (firmer && !this.#isFinished) {
      this.#stopping = force ? 'by force' : 'softly';
      if (this.#starting !== undefined) this.#tell({ event: 'stopping', signal: null, force, graceMs: this.#config.graceMs });
    }
    await this.#worker.stop({ force });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  on<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this {
    this.#handlers.add(name, handler, 'on');
    return this;
  }

  once<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this {
    this.#handlers.add(name, handler, 'once');
    return this;
  }

  off<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): this {
    this.#handlers.remove(name, handler);
    return this;
  }

  async #start(): Promise<void> {
    try {
      await this.#worker.start();
    } catch (error) {
      // What did start must not outlive the failure: connections, timers.
      await this.#worker.stop({ force: true });
      if (error instanceof UsageError) throw error;
      const problem = connectionProblem(error, this.#config);
      throw problem === undefined ? error : new Error(problem.message, { cause: error });
    }
  }

  /** The worker's log: to where the caller wants it, and to the handlers. */
  #tellingLog(): Log {
    const fault = (level: 'warn' | 'error') => (msg: string, fields: LogFields = {}): void => {
      this.#written((log) => log[level](msg, fields));
      this.#trouble(redactUrls(msg), fields.err);
    };
    return {
      emit: (event) => this.#tell(event),
      debug: (msg, fields) => this.#written((log) => log.debug(msg, fields)),
      info: (msg, fields) => this.#written((log) => log.info(msg, fields)),
      warn: fault('warn'),
      error: fault('error'),
    };
  }

  #tell(event: ListenerEvent): void {
    this.#written((log) => log.emit(event));
    this.#handlers.call(event.event, event);
    this.#handlers.call('event', event);
  }

  /** A logger of the caller's may throw; the worker goes on. */
  #written(write: (log: Log) => void): void {
    if (this.#log === undefined) return;
    try {
      write(this.#log);
    } catch (error) {
      if (this.#handlers.call('error', { message: 'The log of a listener threw.', error }) === 0) warnProcess('The log of a listener threw', error);
    }
  }

  #trouble(message: string, error: unknown): void {
    const heard = this.#handlers.call('error', { message, error });
    if (heard === 0 && this.#log === undefined) warnProcess(message, error);
  }

  #faulty(name: ListenerEventName, error: unknown): void {
    // A handler of `error` that fails is not asked to handle it.
    if (name === 'error') warnProcess("A handler of 'error' failed", error);
    else {
      const message = `A handler of '${name}' failed.`;
      this.#written((log) => log.error(message, { err: error }));
      this.#trouble(message, error);
    }
  }
}

/** In JavaScript a rule may forget to answer: only a clear no is one. */
async function answer(rule: (question: RefreshQuestion) => unknown, question: RefreshQuestion): Promise<boolean> {
  return (await rule(question)) !== false;
}

/** What nobody listens for must not be lost either: Node prints it, and applications may collect it. */
function warnProcess(message: string, error: unknown): void {
  const reason = error instanceof Error ? redactUrls(error.stack ?? error.message) : undefined;
  process.emitWarning(message, { type: 'ListenerWarning', ...(reason === undefined ? {} : { detail: reason }) });
}
