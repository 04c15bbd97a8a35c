import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs } from '../config/backoff.js';

export interface SweeperOptions {
  readonly sweepMs: number;
  readonly sweep: () => Promise<void>;
  /** A sweep failed; the next one comes after `retryInMs`. */
  readonly onTrouble: (error: unknown, attempt: number, retryInMs: number) => void;
  readonly onRecovered: () => void;
}

const retryBaseMs = 500;

/** Sweeps every so often, and at once when told to; one sweep at a time; after a failure sooner than usual. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #wanted = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep comes after `sweepMs`. */
  start(): void {
    this.#ended = this.#run();
  }

  /** Complete when it returns: a sweep under way has ended. Harmless twice, and before a start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#ended;
  }

  /** Sweep at once; once more when one is under way, since it may have passed what this call is about. */
  sweepNow(): void {
    this.#wanted = true;
    this.#wake.abort();
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let wait = this.#options.sweepMs;
    while (!this.#isStopped()) {
      await this.#pause(wait);
      if (this.#isStopped()) return;
      this.#wanted = false;
      try {
        await this.#options.sweep();
        if (failures > 0) this.#options.onRecovered();
        failures = 0;
        wait = this.#options.sweepMs;
      } catch (error) {
        failures += 1;
        wait = backoffMs(failures, retryBaseMs, Math.max(retryBaseMs, this.#options.sweepMs), Math.random);
        if (!this.#isStopped()) this.#options.onTrouble(error, failures, wait);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#wanted || this.#isStopped()) return;
    this.#wake = new AbortController();
    try {
      await pause(ms, undefined, { signal: this.#wake.signal });
    } catch {
      // Woken early: nothing but the signal ends a pause.
    }
  }
}
