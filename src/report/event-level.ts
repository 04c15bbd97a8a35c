import type { EventName, EventOf, ListenerEvent } from './event.js';

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

/** From so many failures in a row on, a failure that should pass by itself is one that somebody should look at. */
const errorFromAttempt = 5;

type Levels = { readonly [Name in EventName]: EventLevel | ((event: EventOf<Name>) => EventLevel) };

const levels: Levels = {
  ready: 'info',
  'refresh.done': 'info',
  'summary.progress': 'info',
  'refresh.failed': ({ attempt, kind }) => (kind === 'permanent' || attempt >= errorFromAttempt ? 'error' : 'warn'),
  'refresh.skipped': 'debug',
  'refresh.yielded': ({ times, maxTimes }) => (times < maxTimes ? 'info' : 'warn'),
  'refresh.failing': 'error',
  'refresh.recovered': 'info',
  'freshness.missed': 'warn',
  'freshness.restored': 'info',
  'sweep.done': 'debug',
  'listen.lost': 'warn',
  'listen.restored': 'info',
  'listen.deaf': 'warn',
  'change.unseen': 'warn',
  'log.lapsed': 'warn',
  'log.reset': 'warn',
  'cluster.changed': 'warn',
  'trigger.installed': 'info',
  'trigger.removed': 'info',
  'trigger.healed': 'warn',
  'source.unwatched': 'warn',
  'view.added': 'info',
  'view.missing': 'warn',
  'view.removed': 'info',
  'view.plain': 'warn',
  'view.timeless': 'warn',
  'view.vacuumed': 'debug',
  'view.analyzed': 'debug',
  'database.lost': ({ attempt }) => (attempt >= errorFromAttempt ? 'error' : 'warn'),
  'database.restored': 'info',
  'alert.failed': 'warn',
  'alert.restored': 'info',
  stopping: ({ force }) => (force ? 'warn' : 'info'),
  stopped: ({ exitStatus }) => (exitStatus === 0 ? 'info' : 'error'),
};

/** All events there are. */
export const eventNames = Object.keys(levels) as readonly EventName[];

/** How loudly an event is logged. */
export function eventLevel(event: ListenerEvent): EventLevel {
  return levelOf(event);
}

function levelOf<Name extends EventName>(event: EventOf<Name>): EventLevel {
  const level: Levels[Name] = levels[event.event];
  return typeof level === 'function' ? level(event) : level;
}
