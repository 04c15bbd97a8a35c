import { Counter, Gauge, type Registry } from 'prom-client';
import { packageVersion } from '../config/package-version.js';
import type { ListenerEvent } from '../report/event.js';
import type { MissedTarget } from './misses.js';

/** What the worker itself knows, at the moment of a scrape. */
export interface WorkerReading {
  /** As /readyz has it. */
  readonly ready: boolean;
  /** Whether notifications arrive. */
  readonly listening: boolean;
  /** Notifications on our channel since its start: those that named what it serves, and all others. */
  readonly rings: { readonly heard: number; readonly ignored: number };
  readonly overTarget: readonly MissedTarget[];
  /** How long each view may be stale, in ms, by its display name. */
  readonly targetsMs: ReadonlyMap<string, number>;
}

/** What is true of the worker now. */
export class WorkerMetrics {
  readonly #ready;
  readonly #listening;
  readonly #views;
  readonly #overTarget;
  readonly #targets;
  readonly #sweptAt;
  readonly #rings;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    const build = new Gauge({ name: 'refresh_listener_build_info', help: 'The version of the listener; its value is 1', labelNames: ['version'], registers });
    build.set({ version: packageVersion }, 1);
    this.#ready = gauge('refresh_listener_ready', 'Whether /readyz answers 200');
    this.#listening = gauge('refresh_listener_listening', 'Whether notifications arrive; else the worker polls');
    this.#views = gauge('refresh_listener_views', 'Views that this worker serves');
    this.#overTarget = gauge('refresh_listener_views_over_target', 'Views that have been stale for longer than their freshness target');
    this.#targets = new Gauge({
      name: 'refresh_listener_view_freshness_target_seconds', help: 'How long a view may be stale: --freshness, or else twice its interval', labelNames: ['view'], registers,
    });
    this.#sweptAt = gauge('refresh_listener_last_sweep_timestamp_seconds', 'When the last sweep ended, the look that needs no notification');
    this.#rings = new Counter({
      name: 'refresh_listener_rings_total', help: 'Notifications: heard, or ignored since they name nothing that is served', labelNames: ['outcome'], registers,
    });
  }

  note({ event }: ListenerEvent): void {
    if (event === 'sweep.done') this.#sweptAt.setToCurrentTime();
  }

  /** @param views how many are served */
  show(views: number, { ready, listening, rings, overTarget, targetsMs }: WorkerReading): void {
    this.#ready.set(ready ? 1 : 0);
    this.#listening.set(listening ? 1 : 0);
    this.#views.set(views);
    this.#overTarget.set(overTarget.length);
    this.#targets.reset();
    for (const [view, ms] of targetsMs) this.#targets.set({ view }, ms / 1_000);
    this.#rings.reset();
    for (const outcome of ['heard', 'ignored'] as const) this.#rings.inc({ outcome }, rings[outcome]);
  }
}
