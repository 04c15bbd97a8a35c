import { performance } from 'node:perf_hooks';
import pRetry from 'p-retry';
import { alertBody, subjectOf, type Alert, type AlertEvent } from './alert.js';
import { Delivery, DeliveryError } from './delivery.js';

export interface AlertSenderOptions {
  /** A secret: in no message and in no error. */
  readonly url: string;
  /** An alert could not be delivered. Told once, until one is. */
  readonly onFailed: (error: string, queued: number) => void;
  readonly onRestored: (failedForMs: number) => void;
  /** Limit on one attempt. Default: 10 s. */
  readonly attemptMs?: number;
  /** About so long after a first failure it is tried again, twice as long after each further one. Default: 1 s, and 1 minute at most. */
  readonly retryBaseMs?: number;
  readonly retryMaxMs?: number;
}

/** Of more views than this that wait to be told of, the longest waiting are dropped. */
const mostQueued = 1_000;

/**
 * Posts alerts to a webhook, one after another, beside everything else: nobody waits for it. What waits is the newest state of each
 * view; it is tried again until it is taken, or refused for good.
 */
export class AlertSender {
  readonly #options: AlertSenderOptions;
  readonly #delivery: Delivery;
  readonly #queue = new Map<string, Alert>();
  /** Ends a back-off. */
  readonly #hurry = new AbortController();
  /** Ends an attempt, and everything. */
  readonly #end = new AbortController();
  #sending: Promise<void> | undefined;
  #failingSince: number | undefined;
  /** Named in each alert, once it is known. */
  database: string | undefined;

  constructor(options: AlertSenderOptions) {
    this.#options = options;
    this.#delivery = new Delivery(options.url, options.attemptMs ?? 10_000, this.#end.signal);
  }

  /** Queues an alert. Returns at once. */
  tell(event: AlertEvent): void {
    if (this.#hurry.signal.aborted) return;
    const subject = subjectOf(event);
    this.#queue.delete(subject); // the newest stands last
    this.#queue.set(subject, { event, at: new Date(), database: this.database });
    const [oldest] = this.#queue.keys();
    if (this.#queue.size > mostQueued && oldest !== undefined) this.#queue.delete(oldest);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  /** Takes no more alerts, tries once more to post what waits, and gives up after so long. Complete when it returns. Harmless twice. */
  async stop(withinMs: number): Promise<void> {
    this.#hurry.abort();
    const deadline = setTimeout(() => this.#end.abort(), withinMs);
    await this.#sending;
    clearTimeout(deadline);
    this.#end.abort();
  }

  /** Never rejects. */
  async #sendAll(): Promise<void> {
    const { retryBaseMs = 1_000, retryMaxMs = 60_000 } = this.#options;
    while (this.#queue.size > 0 && !this.#end.signal.aborted) {
      try {
        if (this.#hurry.signal.aborted) await this.#sendFirst();
        else await pRetry(() => this.#sendFirst(), { retries: Infinity, minTimeout: retryBaseMs, maxTimeout: retryMaxMs, randomize: true, signal: this.#hurry.signal });
      } catch (error) {
        // A stop that finds us in a back-off tries once more; the next failure is the last word.
        if (error instanceof DeliveryError) return;
      }
    }
  }

  /** Posts what has waited longest, as it is by then. @throws DeliveryError when it should be tried again */
  async #sendFirst(): Promise<void> {
    const [first] = this.#queue;
    if (first === undefined) return;
    const [subject, alert] = first;
    try {
      await this.#delivery.post(alertBody(alert, this.#delivery.host));
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      if (error.isFinal) this.#done(subject, alert);
      this.#failed(error.message);
      if (error.isFinal) return;
      throw error;
    }
    this.#done(subject, alert);
    this.#succeeded();
  }

  /** Unless it has been overtaken meanwhile. */
  #done(subject: string, alert: Alert): void {
    if (this.#queue.get(subject) === alert) this.#queue.delete(subject);
  }

  #failed(error: string): void {
    if (this.#failingSince !== undefined || this.#end.signal.aborted) return;
    this.#failingSince = performance.now();
    this.#options.onFailed(error, this.#queue.size);
  }

  #succeeded(): void {
    if (this.#failingSince === undefined) return;
    const failedForMs = Math.round(performance.now() - this.#failingSince);
    this.#failingSince = undefined;
    this.#options.onRestored(failedForMs);
  }
}
