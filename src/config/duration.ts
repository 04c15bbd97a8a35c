import ms from 'ms';
import { UsageError } from './usage-error.js';

/** The longest delay a Node timer and a PostgreSQL timeout setting take. A longer timer would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;

const part = /\d*\.?\d+\s*[a-z]+/gi;
const parts = /^(?:\d*\.?\d+\s*[a-z]+\s*)+$/i;
const numberAlone = /^\d*\.?\d+$/;
const examples = '250ms, 5s, 10m, 1h or 3 days';

/**
 * Reads '250ms', '5s', '10m', '1h', '3 days', '1m 30s' as milliseconds.
 * A bare number other than 0 is refused, since nobody can tell whether it means seconds or milliseconds.
 * @param maxMs the longest that is accepted; give more than the default only for what is never a timer.
 * @throws UsageError
 */
export function parseDuration(text: string, maxMs: number = longestTimerMs): number {
  const trimmed = text.trim();
  const shown = JSON.stringify(text);
  if (numberAlone.test(trimmed)) {
    if (Number(trimmed) === 0) return 0;
    throw new UsageError(`${trimmed} has no unit: write ${trimmed}s or ${trimmed}ms`);
  }
  if (/^-\s*\.?\d/.test(trimmed)) throw new UsageError(`${shown} is negative: write a duration such as ${examples}`);
  if (!parts.test(trimmed)) throw new UsageError(`${shown} is not a duration: write ${examples}`);

  let total = 0;
  for (const [piece] of trimmed.matchAll(part)) total += milliseconds(piece, shown);
  const rounded = Math.round(total);
  if (rounded > maxMs) throw new UsageError(`${shown} is too long: the longest is ${formatDuration(maxMs)}`);
  if (rounded === 0 && total > 0) throw new UsageError(`${shown} is too short: the shortest is 1ms`);
  return rounded;
}

function milliseconds(piece: string, shown: string): number {
  // `ms` answers undefined for what it cannot read, whatever its types say.
  const value: number | undefined = piece.length <= 100 ? ms(piece.replace(/\s+/, ' ') as ms.StringValue) : undefined;
  if (value === undefined) throw new UsageError(`${shown} is not a duration: write ${examples}`);
  return value;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** For people: two units at most, '850ms', '4.2s', '3m 10s', '2h 5m', '3d 4h'. */
export function formatDuration(durationMs: number): string {
  // Clocks of two machines may disagree, and then a staleness is negative.
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (Math.round(durationMs) < second) return `${Math.round(durationMs)}ms`;
  const tenths = Math.round(durationMs / 100);
  if (tenths < 600) return `${tenths / 10}s`;
  // Rounding may carry into the next unit (59m 59.6s is 1h), so each unit is judged by its rounded value.
  const seconds = Math.round(durationMs / second);
  if (seconds < hour / second) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  const minutes = Math.round(durationMs / minute);
  if (minutes < day / minute) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm');
  const hours = Math.round(durationMs / hour);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}
