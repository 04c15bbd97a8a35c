import { backoffMs } from '../config/backoff.js';
import type { FailureKind } from '../database/sqlstate.js';

export interface RetryLimits {
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
}

/**
 * How long to wait before a failed absorb is tried again? For ever, with exponential back-off and full jitter: what is
 * called permanent ends, too, when somebody mends it; it is looked at again at the slow end of the back-off. Pure.
 */
export function retryInMs(kind: FailureKind, attempt: number, limits: RetryLimits, random: () => number): number {
  const wait = backoffMs(attempt, limits.retryBaseMs, limits.retryMaxMs, random);
  return kind === 'permanent' ? Math.max(wait, Math.min(limits.retryMaxMs, limits.retryBaseMs * 2 ** Math.min(attempt, 20)) / 2) : wait;
}

/**
 * How long does a view rest after a refresh? At least as long as that took, so that it is at most half busy. Pure.
 */
export function restMs(durationMs: number): number {
  return Math.max(0, durationMs);
}
