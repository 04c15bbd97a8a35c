/** What a callback was told, to be waited for one by one: tests wait for signals and never sleep. */
export class Signals<T> {
  /** All there were, taken or not. */
  readonly all: T[] = [];
  #taken = 0;
  readonly #waiting: ((value: T) => void)[] = [];

  readonly push = (value: T): void => {
    this.all.push(value);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#taken += 1;
    next(value);
  };

  /** The oldest not yet taken; waits for one when there is none. The test's own time limit ends a wait in vain. */
  next(): Promise<T> {
    if (this.#taken === this.all.length) return new Promise((resolve) => this.#waiting.push(resolve));
    const value = this.all[this.#taken] as T;
    this.#taken += 1;
    return Promise.resolve(value);
  }
}
