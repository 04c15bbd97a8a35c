import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientConfig } from 'pg';
import pgListen from 'pg-listen';
import { isCanary, newCanary } from './canary.js';

export interface NotificationConnectionOptions {
  readonly connection: ClientConfig;
  readonly channel: string;
  /** Limit on connecting, on LISTEN, on NOTIFY and on hearing a canary, each. */
  readonly timeoutMs: number;
  /** Every payload on the channel but canaries; '' when there is none. */
  readonly onRing: (payload: string) => void;
}

/** The connection is there and LISTENs, and yet a notification did not arrive. */
export class UnheardCanary extends Error {
  override readonly name = 'UnheardCanary';
}

/**
 * One disposable connection for LISTEN and NOTIFY: a `pg-listen` subscriber that makes exactly one pg Client and never
 * reconnects. Any trouble whatever ends it for good; `gone` is then aborted with the reason, and whoever needs a
 * connection makes a new one.
 *
 * It ends by destroying its socket, which works in every state. (`close()` of pg-listen 1.7.0 waits for ever on a
 * half-open socket, and during a reconnect of its own it closes the previous client and leaks the next.)
 */
export class NotificationConnection {
  readonly #options: NotificationConnectionOptions;
  readonly #subscriber: ReturnType<typeof pgListen.default>;
  readonly #socketClosed: Promise<void>;
  readonly #gone = new AbortController();
  #socket: Duplex | undefined;
  #awaited: { readonly canary: string; readonly heard: () => void } | undefined;

  /**
   * Connects, within the limit.
   *
   * @throws when the server cannot be reached or refuses, and when `stop` is aborted. No socket is left then.
   */
  static async open(options: NotificationConnectionOptions, stop: AbortSignal): Promise<NotificationConnection> {
    stop.throwIfAborted();
    const opened = new NotificationConnection(options);
    stop.addEventListener('abort', () => opened.#end(stop.reason), { once: true, signal: opened.gone });
    try {
      await opened.#step(opened.#subscriber.connect(), () => new Error(opened.#tooLate('no connection')));
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  private constructor(options: NotificationConnectionOptions) {
    this.#options = options;
    let socketClosed: () => void = () => undefined;
    this.#socketClosed = new Promise((resolve) => (socketClosed = resolve));
    const end = (reason: unknown) => this.#end(reason);

    const watchedSocket = (protocol: unknown): Duplex => {
      const socket = options.connection.stream?.call(protocol) ?? new Socket();
      this.#socket = socket;
      socket.on('error', end);
      socket.on('close', () => {
        end(new Error('the connection was closed by the other side'));
        socketClosed();
      });
      return socket;
    };
    this.#subscriber = pgListen.default(
      {
        ...options.connection,
        fallback_application_name: options.connection.fallback_application_name ?? 'listener (doorbell)',
        // The listeners set here come before those of pg and of pg-listen. So pg-listen is already closing when its
        // client reports anything: it starts no reconnect, and keeps a listener for 'error' on the client for ever.
        // (Its own reconnect leaves one that hears a single 'error'; the next would end the process.)
        stream(this: unknown) {
          // pg calls this factory as a method of its protocol Connection, the only one to tell the server's last words
          // ("terminating connection due to idle-session timeout") and the errors of TLS. Should a later pg not do so,
          // the reasons get poorer and nothing else.
          if (this instanceof EventEmitter) this.on('errorMessage', end).on('error', end);
          return watchedSocket(this);
        },
      },
      {
        // Its reconnect tries `for (attempt = 1; attempt < retryLimit; ...)`: never.
        retryLimit: 1,
        // Its health query has no time limit, over a half-open socket it waits for ever. The canary replaces it.
        paranoidChecking: false,
        // Payloads are plain text: its default, JSON.parse, makes an 'error' of any that is not JSON.
        parse: (payload) => payload,
        serialize: (payload: string) => payload,
      },
    );
    // Comes only when the listeners above were passed by; with no listener it would be an unhandled rejection.
    this.#subscriber.events.on('error', end);
    this.#subscriber.events.on('notification', ({ channel, payload }) => {
      if (channel === options.channel) this.#hear(typeof payload === 'string' ? payload : '');
    });
  }

  /** Aborted, with an Error as its reason, as soon as the connection is known to be of no more use. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** @throws when the server refuses or does not answer in time; the connection is gone then. */
  async listen(): Promise<void> {
    const listening = Promise.resolve(this.#subscriber.listenTo(this.#options.channel));
    await this.#step(listening, () => new Error(this.#tooLate('no answer to LISTEN')));
  }

  /** @throws when the server refuses or does not answer in time; the connection is gone then. */
  async notify(payload: string): Promise<void> {
    const notifying = this.#subscriber.notify(this.#options.channel, payload);
    await this.#step(notifying, () => new Error(this.#tooLate('no answer to NOTIFY')));
  }

  /**
   * Returns when a canary, sent by `ringer`, has come back to this connection.
   *
   * @throws UnheardCanary when it was sent and did not come back in time, another Error when it could not be sent or
   *   when the connection ended meanwhile. The connection is gone then.
   */
  async hearCanary(ringer: NotificationConnection): Promise<void> {
    const canary = newCanary();
    const echo = new Promise<void>((heard) => (this.#awaited = { canary, heard }));
    const late = () => new UnheardCanary(this.#tooLate('no echo of a canary'));
    await this.#step(Promise.all([ringer.notify(canary), echo]), late);
  }

  /** Complete when it returns: the socket is closed, no timer is left. Harmless twice. Never throws. */
  async close(): Promise<void> {
    this.#end(new Error('the connection was closed'));
    await this.#socketClosed;
  }

  #hear(payload: string): void {
    if (payload === this.#awaited?.canary) this.#awaited.heard();
    if (isCanary(payload)) return;
    // On a stack of its own: an exception thrown into pg's parser would leave it between two messages.
    queueMicrotask(() => {
      if (!this.gone.aborted) this.#options.onRing(payload);
    });
  }

  /** The first reason counts. Every later event of client and socket finds a connection that is gone. */
  #end(reason: unknown): void {
    if (this.gone.aborted) return;
    this.#gone.abort(reason instanceof Error ? reason : new Error(String(reason)));
    // Settles with the socket at the latest, never rejects.
    void this.#subscriber.close();
    this.#socket?.destroy();
  }

  /** Waits for a step, but not past its time limit nor past the end of the connection. A step that fails ends it. */
  async #step(step: Promise<unknown>, late: () => Error): Promise<void> {
    step.catch((error: unknown) => this.#end(error));
    const timer = setTimeout(() => this.#end(late()), this.#options.timeoutMs);
    // pg leaves promises of an ended client pending for ever: only `gone` tells.
    let leave: () => void = () => undefined;
    const gone = new Promise<never>((_, reject) => (leave = () => reject(this.gone.reason as Error)));
    if (this.gone.aborted) leave();
    this.gone.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([step, gone]);
    } finally {
      clearTimeout(timer);
      this.gone.removeEventListener('abort', leave);
    }
  }

  #tooLate(what: string): string {
    return `${what} within ${this.#options.timeoutMs} ms`;
  }
}
