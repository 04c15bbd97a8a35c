import { EventEmitter } from 'node:events';
import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';
import { eventNames } from '../report/event-level.js';
import type { EventName, EventOf, ListenerEvent } from '../report/event.js';

/** Trouble that is no event: something failed that is tried again, or a handler, a logger or a rule of yours threw. */
export interface ListenerFault {
  /** A whole sentence. */
  readonly message: string;
  /** What was thrown; undefined where nothing was. */
  readonly error: unknown;
}

/** What can be heard, by name: each event, all of them as `event`, and trouble as `error`. */
export type ListenerEvents = { readonly [Name in EventName]: EventOf<Name> } & {
  readonly event: ListenerEvent;
  readonly error: ListenerFault;
};

export type ListenerEventName = keyof ListenerEvents;

export type Handler<Name extends ListenerEventName> = (event: ListenerEvents[Name]) => unknown;

/** Calls handlers one after another. One that throws, or whose promise rejects, is told of and disturbs nobody else. */
export class Handlers {
  readonly #emitter = new EventEmitter();
  readonly #onFault: (name: ListenerEventName, error: unknown) => void;

  constructor(onFault: (name: ListenerEventName, error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** @throws UsageError for a name that no event has */
  add<Name extends ListenerEventName>(name: Name, handler: Handler<Name>, times: 'on' | 'once'): void {
    const names: readonly string[] = [...eventNames, 'event', 'error'];
    if (!names.includes(name)) {
      const [nearest] = nearestNames(name, names, 1);
      throw new UsageError(`there is no event ${name}: ${nearest === undefined ? `it is one of ${names.join(', ')}` : `did you mean ${nearest}?`}`);
    }
    this.#emitter[times](name, handler);
  }

  remove<Name extends ListenerEventName>(name: Name, handler: Handler<Name>): void {
    this.#emitter.off(name, handler);
  }

  /** @returns how many handlers there were */
  call<Name extends ListenerEventName>(name: Name, event: ListenerEvents[Name]): number {
    // Not by `emit`: what one handler throws would keep the event from the next, and come out in the middle of the worker.
    const handlers = this.#emitter.rawListeners(name) as Handler<Name>[];
    for (const handler of handlers) {
      try {
        const result = handler(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFault(name, error));
      } catch (error) {
        this.#onFault(name, error);
      }
    }
    return handlers.length;
  }
}
