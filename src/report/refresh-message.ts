import { formatDuration } from '../config/duration.js';
import type { EventOf, RefreshReason } from './event.js';
import { clause, count, listing } from './sentence.js';

export function refreshDone(event: EventOf<'refresh.done'>): string {
  const how = event.plan === 'concurrent' ? ' concurrently' : '';
  const details = [why(event), rows(event)].filter((detail) => detail !== '').join('; ');
  return `Refreshed ${event.view}${how} in ${formatDuration(event.durationMs)}: ${details}.`;
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
  locked: 'another worker is refreshing it',
  absorbed: 'another worker has just refreshed it',
  paused: 'it is paused',
  upstream: 'it waits for a view it reads, which fails to refresh',
};

/** What the reason adds to the sources and their staleness; empty for a change that rang, which is the usual way. */
const addition: Readonly<Record<RefreshReason, string>> = {
  change: '',
  sweep: 'found by the sweep',
  start: 'found at start',
  upstream: 'through an upstream view',
  manual: 'as asked',
  schedule: 'on schedule',
};

/** Where it is not known what changed. */
const alone: Readonly<Record<RefreshReason, string>> = {
  ...addition,
  change: 'something changed',
  sweep: 'the sweep asked for it',
  start: 'it was not known to be fresh at start',
  upstream: 'a view it reads changed',
};

function why({ reason, sources, stalenessMs }: EventOf<'refresh.done'>): string {
  if (sources.length === 0) return alone[reason];
  const visible = stalenessMs === null ? '' : ` ${formatDuration(stalenessMs)} before it was visible`;
  const changed = `${listing(sources)} changed${visible}`;
  return addition[reason] === '' ? changed : `${changed}, ${addition[reason]}`;
}

function rows({ inserted, updated, deleted }: EventOf<'refresh.done'>): string {
  const known = [
    { number: inserted, verb: 'inserted' },
    { number: updated, verb: 'updated' },
    { number: deleted, verb: 'deleted' },
  ].flatMap(({ number, verb }) => (number === null ? [] : [{ number, verb }]));
  if (known.length === 0) return '';
  const changed = known.filter(({ number }) => number !== 0);
  if (changed.length === 0) return 'no row differed';
  return changed
    .map(({ number, verb }, index) => `${index === 0 ? count(number, 'row') : number.toLocaleString('en-US')} ${verb}`)
    .join(', ');
}
