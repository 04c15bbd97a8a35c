import { performance } from 'node:perf_hooks';
import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { MissEnd } from './misses.js';

/** A refresh that failed. */
export interface FailedRefresh {
  /** Failures in a row, this one included: from 1. */
  readonly attempt: number;
  readonly error: string;
  readonly sqlstate: string | null;
}

export interface FailureWatchOptions {
  /** Told when a view has failed so often in a row. */
  readonly after: number;
  /** Told once. */
  readonly onFailing: (failing: { readonly view: string; readonly failures: number; readonly error: string; readonly sqlstate: string | null }) => void;
  /** Told once of each view that was told to be failing. */
  readonly onRecovered: (recovered: { readonly view: string; readonly failures: number; readonly failedForMs: number; readonly because: MissEnd }) => void;
}

/** Tells when a view keeps failing, and when it no longer does. */
export class FailureWatch {
  readonly #options: FailureWatchOptions;
  readonly #failing = new Map<number, { readonly view: string; failures: number; readonly since: number }>();

  constructor(options: FailureWatchOptions) {
    this.#options = options;
  }

  failed({ id, name }: Pick<ServedView, 'id' | 'name'>, { attempt, error, sqlstate }: FailedRefresh): void {
    const known = this.#failing.get(id);
    if (known !== undefined) known.failures = attempt;
    else if (attempt >= this.#options.after) {
      this.#failing.set(id, { view: name, failures: attempt, since: performance.now() });
      this.#options.onFailing({ view: name, failures: attempt, error, sqlstate });
    }
  }

  ended(view: number, because: MissEnd): void {
    const known = this.#failing.get(view);
    if (known === undefined) return;
    this.#failing.delete(view);
    this.#options.onRecovered({ view: known.view, failures: known.failures, failedForMs: Math.round(performance.now() - known.since), because });
  }

  /** Of a view that is no longer served nobody need be told any more. */
  serve(graph: ServedGraph): void {
    for (const id of this.#failing.keys()) if (!graph.views.has(id)) this.ended(id, 'removed');
  }
}
