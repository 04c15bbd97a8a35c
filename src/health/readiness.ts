import { formatDuration } from '../config/duration.js';
import type { ListenerEvent } from '../report/event.js';
import type { MissedTarget } from './misses.js';

export interface ReadinessReport {
  readonly ready: boolean;
  /** Why not, a clause each; empty when it is ready. */
  readonly because: readonly string[];
  /** The views that are over their targets. */
  readonly views: readonly MissedTarget[];
}

/**
 * Whether the worker does what it is for, as its events tell: it serves, it hears notifications or polls because it was told
 * to or found at its start that none arrive, it has its database, and no view is over its target. Where the listening
 * connection is lost it polls as well, and is not ready: that is a fault that somebody should know of.
 */
export class Readiness {
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #wake: 'notify' | 'poll' | 'once' | undefined;
  #listenLost = false;
  #databaseLost = false;

  note(event: ListenerEvent): void {
    switch (event.event) {
      case 'ready':
        this.#wake = event.wake;
        if (this.#phase === 'starting') this.#phase = 'serving';
        break;
      case 'stopping':
      case 'stopped':
        this.#phase = 'stopping';
        break;
      case 'listen.lost': this.#listenLost = true; break;
      case 'listen.restored': this.#listenLost = false; break;
      case 'database.lost': this.#databaseLost = true; break;
      case 'database.restored': this.#databaseLost = false; break;
      default:
    }
  }

  /** Whether notifications arrive. */
  get listening(): boolean {
    return this.#phase !== 'starting' && this.#wake === 'notify' && !this.#listenLost;
  }

  /** @param stopping also without an event: it ends because its schema was removed, say */
  report(views: readonly MissedTarget[], stopping: boolean): ReadinessReport {
    const because = stopping || this.#phase === 'stopping'
      ? ['the worker is stopping']
      : this.#phase === 'starting'
        ? ['the worker is starting']
        : [
            ...(this.#databaseLost ? ['the database cannot be reached'] : []),
            ...(this.#listenLost ? ['the listening connection is lost, and the worker polls until it is back'] : []),
            ...views.map(overTarget),
          ];
    return { ready: because.length === 0, because, views };
  }
}

function overTarget({ view, stalenessMs, targetMs }: MissedTarget): string {
  return `${view} has been stale for ${formatDuration(stalenessMs)}, ${formatDuration(stalenessMs - targetMs)} over its target of ${formatDuration(targetMs)}`;
}
