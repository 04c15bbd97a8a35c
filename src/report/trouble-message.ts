import { formatDuration } from '../config/duration.js';
import type { EventOf, TroubleEnd } from './event.js';
import { clause, count } from './sentence.js';

export function refreshFailing({ view, failures, error, sqlstate }: EventOf<'refresh.failing'>): string {
  const code = sqlstate === null ? '' : ` (SQLSTATE ${sqlstate})`;
  return `Refreshing ${view} has failed ${count(failures, 'time')} in a row: ${clause(error)}${code}. It is tried again for as long as it takes.`;
}

export function refreshRecovered({ view, failures, failedForMs, because }: EventOf<'refresh.recovered'>): string {
  return `${ends[because](view, 'is refreshed again')}, after ${count(failures, 'failure')} in a row and ${formatDuration(failedForMs)}.`;
}

export function freshnessMissed({ view, stalenessMs, targetMs, because }: EventOf<'freshness.missed'>): string {
  const why = because === null ? '' : `: ${clause(because)}`;
  return `${view} has been stale for ${formatDuration(stalenessMs)}, over its freshness target of ${formatDuration(targetMs)}${why}.`;
}

export function freshnessRestored({ view, missedForMs, because }: EventOf<'freshness.restored'>): string {
  return `${ends[because](view, 'is within its freshness target again')}, after ${formatDuration(missedForMs)} over ${because === 'refreshed' ? 'it' : 'its freshness target'}.`;
}

const ends: Readonly<Record<TroubleEnd, (view: string, well: string) => string>> = {
  refreshed: (view, well) => `${view} ${well}`,
  paused: (view) => `${view} is paused now`,
  removed: (view) => `${view} is no longer served`,
};
