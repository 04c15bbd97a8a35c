import pDebounce from 'p-debounce';

/** Changes of one view that will be absorbed together. */
interface Batch {
  readonly touch: () => Promise<void>;
  readonly deadline: NodeJS.Timeout;
  readonly cancel: AbortController;
}

/**
 * Waits until a view's sources have been quiet for `debounceMs`, but never longer than `maxWaitMs` after the first
 * change: `p-debounce` alone has no maximum, and steady traffic would starve the view for ever.
 */
export class ViewDebounce {
  readonly #debounceMs: number;
  readonly #maxWaitMs: number;
  readonly #onReady: () => void;
  #batch: Batch | undefined;
  #touches = 0;

  constructor(debounceMs: number, maxWaitMs: number, onReady: () => void) {
    this.#debounceMs = debounceMs;
    this.#maxWaitMs = maxWaitMs;
    this.#onReady = onReady;
  }

  /** How often it was touched: whoever finds the view fresh may drop what was waited for if this has not moved. */
  get touches(): number {
    return this.#touches;
  }

  /** A source has changed. */
  touch(): void {
    this.#touches += 1;
    this.#batch ??= this.#begin();
    // It rejects when the batch is cancelled, and then there is nothing left to do for it.
    this.#batch.touch().catch(() => undefined);
  }

  /** Drops what is waited for. */
  cancel(): void {
    if (this.#batch === undefined) return;
    clearTimeout(this.#batch.deadline);
    this.#batch.cancel.abort();
    this.#batch = undefined;
  }

  #begin(): Batch {
    const cancel = new AbortController();
    const ready = (): void => {
      this.cancel();
      this.#onReady();
    };
    return {
      touch: pDebounce(ready, this.#debounceMs, { signal: cancel.signal }),
      deadline: setTimeout(ready, this.#maxWaitMs),
      cancel,
    };
  }
}
