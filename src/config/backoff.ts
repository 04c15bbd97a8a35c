/** setTimeout fires at once for anything longer: a very patient setting would become a storm. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * How long to wait before an attempt, in whole milliseconds: exponential with full jitter.
 *
 * Full jitter, because workers that lost the same server come back at the same moment. The floor, a tenth of `baseMs`
 * and at least 1 ms, is there because jitter alone may draw nothing, several times in a row.
 *
 * @param attempt counts from 1
 * @param baseMs the longest wait before the first attempt; doubles from attempt to attempt
 * @param maxMs the longest wait before any attempt
 * @param random gives a number in [0, 1), as Math.random does
 */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: () => number): number {
  const longestMs = Math.min(maxMs, LONGEST_TIMER_MS);
  // The exponent is capped so that it stays a finite number for ever: 0 * Infinity is not one.
  const ceilingMs = Math.min(longestMs, baseMs * 2 ** Math.min(attempt - 1, 64));
  const floorMs = Math.max(1, Math.min(baseMs, longestMs) / 10);
  return Math.round(Math.max(floorMs, random() * ceilingMs));
}
