import { performance } from 'node:perf_hooks';

/** No timer runs longer: the clock of the machine may be set meanwhile. */
const longestTimerMs = 3_600_000;

/** One timer for many moments: it fires at the earliest that was asked for, once, and forgets the others. */
export class EarliestTimer {
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** Fire after so long, in ms, unless it does so sooner anyway. */
  within(ms: number): void {
    const at = performance.now() + Math.min(ms, longestTimerMs);
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Infinity;
      this.#onDue();
    }, Math.max(0, Math.ceil(at - performance.now())));
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
