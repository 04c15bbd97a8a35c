import { longestHoldMs } from '../catalog/hold-register.js';

/**
 * One source between a ring and quiet. While there is none, its bell is live and nothing need be looked at.
 * Times are in ms of one steady clock.
 */
export interface Hold {
  /** Until then writers append without ringing, and rings that still come are echoes of what will be looked at. */
  readonly until: number;
  readonly lookAt: number;
  /** Wait before the next look, as long as nothing but unfinished writers calls for one. */
  readonly paceMs: number;
}

/** What a look after a hold found out. */
export interface LookResult {
  /** The log had new rows of the source. */
  readonly found: boolean;
  /** What is left of the hold by the server's clock: another worker may have set a further one. */
  readonly remainingMs: number;
  /** Before the look, some transaction held a write lock on the source. */
  readonly hasWriters: boolean;
}

/** What to do next for a source: set the hold register, or not, and the new state; undefined is quiet. */
export interface NextStep {
  readonly setHold: boolean;
  readonly hold: Hold | undefined;
}

const shortestHoldMs = 50;
const slowestPaceMs = 5_000;
const paceGrowth = 1.5;

/** A quarter of the debounce, at least 50 ms, at most `longestMs`; whole, as the register is. */
export function holdLengthMs(debounceMs: number, longestMs: number): number {
  return Math.min(longestMs, Math.max(shortestHoldMs, Math.ceil(debounceMs / 4)));
}

/** A source rings. The first ring begins a hold and asks for a look; those within it are ignored. Pure. */
export function afterRing(hold: Hold | undefined, now: number, holdMs: number): NextStep {
  if (hold !== undefined && now < hold.until) return { setHold: false, hold };
  return { setHold: true, hold: freshHold(now, holdMs) };
}

/**
 * A hold is over and its source was looked at. New rows count as a ring: traffic goes on. Unfinished writers may have
 * passed through the hold in silence: look again, at a growing pace, with the bell live. Otherwise it is quiet. Pure.
 */
export function afterLook(hold: Hold, look: LookResult, now: number, holdMs: number): NextStep {
  if (look.remainingMs > 0) {
    // Or a worker in polling mode has silenced the source, or it lies far ahead: we look on at the longest hold, until our
    // sweep mends it.
    const until = now + Math.min(look.remainingMs, longestHoldMs);
    return { setHold: false, hold: { until, lookAt: until, paceMs: holdMs } };
  }
  if (look.found) return { setHold: true, hold: freshHold(now, holdMs) };
  if (!look.hasWriters) return { setHold: false, hold: undefined };
  const paceMs = Math.min(slowestPaceMs, hold.paceMs * paceGrowth);
  return { setHold: false, hold: { until: hold.until, lookAt: now + paceMs, paceMs } };
}

function freshHold(now: number, holdMs: number): Hold {
  return { until: now + holdMs, lookAt: now + holdMs, paceMs: holdMs };
}
