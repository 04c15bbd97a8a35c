import type { Log } from './log.js';

/** Tells of one loss of the database once, however many parts of the worker notice, and of its end. */
export class Outage {
  readonly #log: Log;
  #since: number | undefined;
  #attempts = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  lost(error: string, sqlstate: string | null, attempt: number, retryInMs: number): void {
    const isFirst = this.#since === undefined;
    this.#since ??= performance.now();
    this.#attempts += 1;
    // The first tells on-call; the fifth in a row is an error; the rest would be noise.
    if (isFirst || attempt % attemptsPerLine === 0) this.#log.emit({ event: 'database.lost', error, sqlstate, attempt, retryInMs });
  }

  restored(): void {
    if (this.#since === undefined) return;
    const lostForMs = performance.now() - this.#since;
    this.#log.emit({ event: 'database.restored', lostForMs, attempts: this.#attempts });
    this.#since = undefined;
    this.#attempts = 0;
  }
}

const attemptsPerLine = 5;
