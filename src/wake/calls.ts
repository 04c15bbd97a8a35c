export interface CallsOptions {
  /** A view is looked at no more often than this. */
  readonly spacingMs: number;
  readonly look: (view: number) => Promise<void>;
  /** A look failed: whoever called is served by the next sweep. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Looks at views that somebody calls for: at once, and once more for all the calls that came while it looked or rested.
 * Anybody may call, as often as they like: a flood costs one look in `spacingMs`.
 */
export class Calls {
  readonly #options: CallsOptions;
  /** Views that are being looked at or rest after it, and whether they were called for meanwhile. */
  readonly #busy = new Map<number, { again: boolean }>();
  readonly #looks = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  call(view: number): void {
    if (this.#stop.signal.aborted) return;
    const busy = this.#busy.get(view);
    if (busy !== undefined) {
      busy.again = true;
      return;
    }
    const look = this.#answer(view).finally(() => this.#looks.delete(look));
    this.#looks.add(look);
  }

  /** Complete when it returns. Harmless twice. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#looks);
  }

  async #answer(view: number): Promise<void> {
    const calls = { again: true };
    this.#busy.set(view, calls);
    while (calls.again && !this.#stop.signal.aborted) {
      calls.again = false;
      await this.#options.look(view).catch(this.#options.onTrouble);
      await this.#rest();
    }
    this.#busy.delete(view);
  }

  #rest(): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(end, this.#options.spacingMs);
      signal.addEventListener('abort', end, { once: true });
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      }
    });
  }
}
