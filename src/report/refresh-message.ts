import { formatDuration } from '../config/duration.js';
import type { Holder } from '../catalog/run-record.js';
import type { EventOf, RefreshReason } from './event.js';
import { holderNames } from './holder-name.js';
import { clause, count, listing } from './sentence.js';

export function refreshDone(event: EventOf<'refresh.done'>): string {
  const how = event.plan === 'concurrent' ? ' concurrently' : '';
  const effects = [rows(event), ...reservations(event)].filter((effect) => effect !== '');
  return `Refreshed ${event.view}${how} in ${formatDuration(event.durationMs)}${why(event)}${effects.map((effect) => `; ${effect}`).join('')}.`;
}

export function summaryProgress({ view, phase, rows: taken, rowsBehind, rowsPerSecond, backlog, remainingMs, holders }: EventOf<'summary.progress'>): string {
  const what = `${phase === 'fill' ? 'Filling' : 'Catching up'} ${view}`;
  const left = `${rowsBehind.toLocaleString('en-US')} left`;
  if (taken === 0) return `${what} waits, with ${left}: too many ids may still be committed${by(holders)}.`;
  const outlook = backlog === 'growing' ? ', and growing' : remainingMs === null ? '' : `, about ${formatDuration(remainingMs)}`;
  return `${what}: ${count(taken, 'row')} at ${rowsPerSecond.toLocaleString('en-US')} a second; ${left}${outlook}.`;
}

function by(holders: readonly Holder[]): string {
  return holders.length === 0 ? '' : ` by ${listing(holderNames(holders, new Date()))}`;
}

/** What of a summary is not shown yet, or will not be: '3 rows came late', '1 id may still be committed by pid 12'. */
function reservations({ late = 0, closedLate = 0, gaps = 0, holders = [] }: EventOf<'refresh.done'>): string[] {
  return [
    ...(late > 0 ? [`${count(late, 'row')} came late`] : []),
    ...(closedLate > 0 ? [`${count(closedLate, 'row')} for closed buckets not shown`] : []),
    ...(gaps > 0 && holders.length > 0 ? [`${count(gaps, 'id')} may still be committed${by(holders)}`] : []),
  ];
}

export function refreshFailed(event: EventOf<'refresh.failed'>): string {
  const code = event.sqlstate === null ? '' : ` (SQLSTATE ${event.sqlstate})`;
  const outlook = event.kind === 'permanent' ? 'This needs a change to the view or its rights; trying' : 'Trying';
  return (
    `Refreshing ${event.view} failed after ${formatDuration(event.durationMs)}: ${clause(event.error)}${code}. ` +
    `${outlook} again in ${formatDuration(event.retryInMs)} (failure ${event.attempt} in a row).`
  );
}

export function refreshSkipped({ view, because }: EventOf<'refresh.skipped'>): string {
  return `Left ${view} alone: ${skipped[because]}.`;
}

export function refreshYielded(event: EventOf<'refresh.yielded'>): string {
  const outlook =
    event.times < event.maxTimes
      ? `trying again in ${formatDuration(event.retryInMs)} (${event.times} of at most ${count(event.maxTimes, 'time')} in a row)`
      : `the next refresh, in ${formatDuration(event.retryInMs)}, will not give way`;
  const waiters = event.waiters === 1 ? '1 session that waited' : `${count(event.waiters, 'session')} that waited`;
  return `Stopped refreshing ${event.view} after ${formatDuration(event.durationMs)} to give way to ${waiters} for its locks; ${outlook}.`;
}

const skipped: Readonly<Record<EventOf<'refresh.skipped'>['because'], string>> = {
  fresh: 'nothing has changed since it was last refreshed',
  paused: 'it is paused',
  declined: 'shouldRefresh said no',
  locked: 'another worker is refreshing it',
  absorbed: 'another worker has just refreshed it',
  gone: 'it is no longer there',
};

/** What the reason adds to the sources and their staleness; empty for what is the usual way, and for what the sources say. */
const addition: Readonly<Record<RefreshReason, string>> = {
  change: '',
  sweep: 'found by the sweep',
  start: 'found at start',
  upstream: '',
  schedule: 'it was due',
  repair: 'it was compared with its source',
  manual: 'asked for by hand',
  backfill: 'its buckets were recomputed by hand',
};

/** Where it is not known what changed. */
const alone: Readonly<Record<RefreshReason, string>> = {
  ...addition,
  change: 'something changed',
  sweep: 'the sweep could not tell whether it was fresh',
  start: 'it was not known to be fresh at start',
  upstream: 'a view it reads changed',
  schedule: 'it was due, changed or not',
  repair: 'it was due to be compared with its source',
  manual: 'asked for by hand',
  backfill: 'its buckets were recomputed by hand',
};

/** Continues the sentence: ', 5.3s after orders changed' or ': something changed'. */
function why({ reason, sources, stalenessMs }: EventOf<'refresh.done'>): string {
  if (sources.length === 0) return `: ${alone[reason]}`;
  const when = stalenessMs === null ? ': ' : `, ${formatDuration(stalenessMs)} after `;
  // Staleness counts from the first change, which an upstream view has passed on.
  const what = reason === 'upstream' ? `the change that came through ${listing(sources)}` : `${listing(sources)} changed`;
  const changed = `${when}${what}`;
  return addition[reason] === '' ? changed : `${changed} (${addition[reason]})`;
}

/**
 * What became of the rows. A concurrent refresh takes out each row that differs and puts another one in: three changed rows
 * would read as '3 inserted, 3 deleted', and make one look for what was deleted. A plain one writes all rows anew.
 */
function rows({ plan, inserted, updated, deleted }: EventOf<'refresh.done'>): string {
  if (inserted === null && updated === null && deleted === null) return '';
  const put = inserted ?? 0;
  const taken = deleted ?? 0;
  if (plan === 'plain') return `${count(put, 'row')} written anew`;
  const replaced = Math.min(put, taken) + (updated ?? 0);
  const changed = [
    { number: replaced, verb: 'replaced' },
    { number: Math.max(0, put - taken), verb: 'added' },
    { number: Math.max(0, taken - put), verb: 'removed' },
  ].filter(({ number }) => number > 0);
  if (changed.length === 0) return plan === 'merge' ? '' : 'no row differed';
  return changed
    .map(({ number, verb }, index) => `${index === 0 ? count(number, 'row') : number.toLocaleString('en-US')} ${verb}`)
    .join(', ');
}
