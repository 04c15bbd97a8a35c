import { setTimeout as pause } from 'node:timers/promises';
import type { ClientConfig } from 'pg';
import { backoffMs } from '../config/backoff.js';
import { NotificationConnection, UnheardCanary } from './notification-connection.js';

export interface DoorbellOptions {
  /** Connection settings of the direct, unpooled URL. */
  readonly connection: ClientConfig;
  /**
   * Connection settings of those who ring, for the one canary at start-up. Default: `connection`. With the settings of
   * the application, a listen URL that leads to another database is found out too.
   */
  readonly ringer?: ClientConfig;
  readonly channel: string;
  /** Time between canaries. */
  readonly canaryMs: number;
  /** Limit on hearing a canary, and on each of connecting and LISTEN. Default 5,000 ms. */
  readonly canaryTimeoutMs?: number;
  /** Back-off between attempts to reconnect, which go on for ever. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Every payload on the channel but canaries; '' when there is none. Called on a stack of its own. */
  readonly onRing: (payload: string) => void;
  /** Once per loss of the connection. */
  readonly onLost: (reason: string) => void;
  /** After each failed attempt to reconnect: why, which attempt since the loss (from 1), and the wait before the next. */
  readonly onRetry?: (reason: string, attempt: number, waitMs: number) => void;
  /** After every reconnect, once a canary was heard. Rings of the `downMs` since the loss were missed: look at once. */
  readonly onRestored: (downMs: number) => void;
}

interface Life {
  readonly stop: AbortController;
  readonly started: Promise<'hears' | 'deaf'>;
}

/**
 * The persistent LISTEN connection. It only says "look now": a lost ring makes the worker late and never wrong.
 *
 * After a start it listens until `stop()`, through any number of losses. Its connections are disposable; this class
 * decides when one is no good and makes the next.
 */
export class Doorbell {
  readonly #options: DoorbellOptions;
  readonly #timeoutMs: number;
  #life: Life | undefined;
  /** When the latest life is over. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: DoorbellOptions) {
    this.#options = options;
    this.#timeoutMs = options.canaryTimeoutMs ?? 5_000;
  }

  /**
   * Connects, LISTENs, and has one canary sent by another connection. Resolves 'hears', or 'deaf' when it is connected
   * but the canary never came (a transaction pooler, another database); it has stopped itself then. While started, or
   * starting, a further start is the same start.
   *
   * @throws when it cannot connect, or cannot LISTEN, and when it is stopped meanwhile. It has stopped itself then.
   */
  start(): Promise<'hears' | 'deaf'> {
    if (this.#life !== undefined) return this.#life.started;
    const stop = new AbortController();
    const first = this.#ended.then(() => this.#firstConnection(stop.signal));
    this.#life = { stop, started: first.then((connection) => (connection ? 'hears' : 'deaf')) };
    // A start that failed is reported by `started`.
    this.#ended = first.catch(() => undefined).then((connection) => connection && this.#keep(connection, stop.signal));
    return this.#life.started;
  }

  /** Complete when it returns: no socket, no timer is left, no callback comes. Harmless twice, and before a start. */
  stop(): Promise<void> {
    this.#life?.stop.abort(new Error('the doorbell was stopped'));
    this.#life = undefined;
    return this.#ended;
  }

  /** A connection that hears others; none when it is deaf. Without one the life is over. */
  async #firstConnection(stop: AbortSignal): Promise<NotificationConnection | undefined> {
    try {
      return await this.#listening(stop, async (connection) => {
        // Sent over the listening connection itself, it would prove nothing: a transaction pooler passes on what arrives
        // during the NOTIFY, its own echo with it, and drops all that arrives later (seen with PgBouncer 1.18).
        const ringer = await this.#open(stop, this.#options.ringer ?? this.#options.connection);
        try {
          await connection.hearCanary(ringer);
        } finally {
          await ringer.close();
        }
      });
    } catch (error) {
      // Before anybody hears of it: they may start again in that very moment.
      if (this.#life?.stop.signal === stop) this.#life = undefined;
      if (error instanceof UnheardCanary) return undefined;
      throw new Error(`cannot listen for notifications: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Listens over this connection and its successors, until stopped. */
  async #keep(first: NotificationConnection, stop: AbortSignal): Promise<void> {
    let connection: NotificationConnection | undefined = first;
    while (connection !== undefined) {
      const reason = await this.#watch(connection);
      const lostAt = performance.now();
      await connection.close();
      if (stop.aborted) return;
      tell(() => this.#options.onLost(reason));
      connection = await this.#successor(stop);
      if (connection !== undefined) tell(() => this.#options.onRestored(Math.round(performance.now() - lostAt)));
    }
  }

  /** Sends a canary every so often, until the connection is gone: returns why. */
  async #watch(connection: NotificationConnection): Promise<string> {
    try {
      for (;;) {
        await pause(this.#options.canaryMs, undefined, { signal: connection.gone });
        await connection.hearCanary(connection);
      }
    } catch (error) {
      // The first reason is the one that ended the connection; what was thrown may be a consequence.
      return reasonOf(connection.gone.reason ?? error);
    }
  }

  /** The next connection, tried for until there is one; none when stopped. */
  async #successor(stop: AbortSignal): Promise<NotificationConnection | undefined> {
    const { retryBaseMs, retryMaxMs } = this.#options;
    // Also before the first attempt: a server that accepts and at once ends connections must not cause a storm.
    let waitMs = backoffMs(1, retryBaseMs, retryMaxMs, Math.random);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await pause(waitMs, undefined, { signal: stop });
        return await this.#listening(stop, (connection) => connection.hearCanary(connection));
      } catch (error) {
        if (stop.aborted) return undefined;
        waitMs = backoffMs(attempt + 1, retryBaseMs, retryMaxMs, Math.random);
        const [failed, wait] = [attempt, waitMs];
        tell(() => this.#options.onRetry?.(reasonOf(error), failed, wait));
      }
    }
  }

  /** A connection that LISTENs and has passed the proof. None is left over when it fails. */
  async #listening(
    stop: AbortSignal,
    prove: (connection: NotificationConnection) => Promise<void>,
  ): Promise<NotificationConnection> {
    const connection = await this.#open(stop, this.#options.connection);
    try {
      await connection.listen();
      await prove(connection);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  #open(stop: AbortSignal, connection: ClientConfig): Promise<NotificationConnection> {
    const { channel, onRing } = this.#options;
    return NotificationConnection.open({ connection, channel, timeoutMs: this.#timeoutMs, onRing }, stop);
  }
}

/** Calls a callback on a stack of its own: what it throws is an uncaught exception, and not a doorbell gone silent. */
function tell(callback: () => void): void {
  queueMicrotask(callback);
}

/** Several addresses tried in vain make an AggregateError, whose own message is empty. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
