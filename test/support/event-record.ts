import type { EventName, ListenerEvent } from '../../src/report/event.js';

type Recorded<Name extends EventName> = Extract<ListenerEvent, { readonly event: Name }>;

/** The events of one worker, to be waited for: tests wait for signals and never sleep. */
export class EventRecord {
  /** All there were, in order. */
  readonly all: ListenerEvent[] = [];
  /** Free-text lines of warnings and errors. */
  readonly complaints: string[] = [];
  #waiting: (() => void)[] = [];

  readonly push = (event: ListenerEvent): void => {
    this.all.push(event);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  };

  of<Name extends EventName>(name: Name, from = 0): Recorded<Name>[] {
    return this.all.slice(from).filter((event): event is Recorded<Name> => event.event === name);
  }

  /** How many events there are now: a place to wait from. */
  get mark(): number {
    return this.all.length;
  }

  /** The first event of that name, from `from` on, for which `test` holds. The test's own time limit ends a wait in vain. */
  async next<Name extends EventName>(
    name: Name, test: (event: Recorded<Name>) => boolean = () => true, from = 0,
  ): Promise<Recorded<Name>> {
    for (;;) {
      const found = this.of(name, from).find(test);
      if (found !== undefined) return found;
      await this.#another();
    }
  }

  /** Returns when `test` holds; asked after every event. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) await this.#another();
  }

  #another(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
