import { formatDuration } from '../config/duration.js';
import type { EventName, EventOf, ListenerEvent } from './event.js';
import { refreshDone, refreshFailed, refreshSkipped, refreshYielded, summaryProgress } from './refresh-message.js';
import { freshnessMissed, freshnessRestored, refreshFailing, refreshRecovered } from './trouble-message.js';
import { clause, count, listing } from './sentence.js';

type Messages = { readonly [Name in EventName]: (event: EventOf<Name>) => string };

const messages: Messages = {
  ready: ({ version, server, database, views, sources, wake }) =>
    `Ready: listener ${version} keeps ${listing(views)} fresh from ${count(sources, 'source')} ` +
    `in database ${database} (PostgreSQL ${server}), ${wakes[wake]}.`,

  'refresh.done': refreshDone,
  'summary.progress': summaryProgress,
  'refresh.failed': refreshFailed,
  'refresh.skipped': refreshSkipped,
  'refresh.yielded': refreshYielded,
  'refresh.failing': refreshFailing,
  'refresh.recovered': refreshRecovered,
  'freshness.missed': freshnessMissed,
  'freshness.restored': freshnessRestored,

  'sweep.done': ({ views, stale, unseen, healed, durationMs }) =>
    `Swept ${count(views, 'view')} in ${formatDuration(durationMs)}: ${stale.toLocaleString('en-US')} stale, ` +
    `${count(unseen, 'unseen change')}, ${count(healed, 'trigger')} healed.`,

  'listen.lost': ({ error }) => `Lost the listening connection: ${clause(error)}. Polling until it is back.`,
  'listen.restored': ({ lostForMs, attempts }) =>
    `Listening again after ${formatDuration(lostForMs)} and ${count(attempts, 'attempt')}; looking for what was missed.`,
  'listen.deaf': ({ waitedMs, pollMs }) =>
    `No notification arrives on the listening connection (waited ${formatDuration(waitedMs)} for one of our own), ` +
    `so it probably leads through a transaction pooler: give --listen-url a direct connection. ` +
    `Looking every ${formatDuration(pollMs)} instead.`,

  'change.unseen': ({ source, views, because }) =>
    `${source} changed without a trigger seeing it (${unseenSigns[because]}): refreshing ${listing(views)}.`,
  'log.lapsed': ({ sources, views }) =>
    `No worker was seen for so long that writers stopped recording changes of ${listing(sources)}: refreshing ${listing(views)}.`,
  'log.reset': ({ views }) =>
    `The change log was emptied by a crash or fail-over of the server: refreshing ${listing(views)}.`,
  'cluster.changed': ({ views }) =>
    `This is another database, or another cluster, than the one the cursors were written in: refreshing ${listing(views)}.`,

  'trigger.installed': ({ source }) => `Installed the change triggers on ${source}.`,
  'trigger.removed': ({ source }) => `Removed the change triggers from ${source}.`,
  'trigger.healed': ({ source, state }) =>
    `A change trigger on ${source} was ${state}: put right, and the views that read it are refreshed.`,
  'source.unwatched': ({ source, views, because }) =>
    `Changes of ${source} are not seen as they are made, since it is ${because}: ${listing(views)} may not follow them.`,

  'view.added': ({ view }) => `Now keeping ${view} fresh too.`,
  'view.missing': ({ view }) => `The view ${view} is no longer there; it is served again when it comes back.`,
  'view.removed': ({ view }) => `No longer keeping ${view} fresh.`,
  'view.plain': ({ view, statement, certainty }) =>
    `The materialized view ${view} has no usable unique index, so readers wait while it is refreshed. ` +
    `To avoid that, run${certainty === 'guess' ? ', with columns that no two rows share' : ''}: ${statement.replace(/;?\s*$/, ';')}`,
  'view.timeless': ({ view, because }) =>
    `The materialized view ${view} may change without a write, for it ${because.join(', and ')}: ` +
    `have it refreshed by time as well, with --max-age 15m or --schedule '0 0 * * *'.`,

  'view.vacuumed': ({ view, deadRows, deadRowsLeft, durationMs }) =>
    `Vacuumed ${view} in ${formatDuration(durationMs)}: ${count(deadRows, 'dead row')}` +
    `${deadRowsLeft === 0 ? '' : `, of which ${deadRowsLeft.toLocaleString('en-US')} stay while a transaction is open that might see them`}.`,
  'view.analyzed': ({ view, changedRows, durationMs }) =>
    `Analyzed ${view} in ${formatDuration(durationMs)}: ${count(changedRows, 'changed row')} since the last time.`,

  'database.lost': ({ error, attempt, retryInMs }) =>
    `Lost the database: ${clause(error)}. Trying again in ${formatDuration(retryInMs)} (attempt ${attempt}).`,
  'database.restored': ({ lostForMs, attempts }) =>
    `The database is back after ${formatDuration(lostForMs)} and ${count(attempts, 'attempt')}; looking for what was missed.`,

  'alert.failed': ({ error, queued }) =>
    `An alert could not be delivered to --alert-url: ${clause(error)}. ${queued === 0 ? 'Later ones are tried anyway.' : `Trying again, with ${count(queued, 'alert')} waiting.`}`,
  'alert.restored': ({ failedForMs }) => `Alerts are delivered again, after ${formatDuration(failedForMs)}.`,

  stopping: ({ signal, force, graceMs }) => {
    const cause = signal === null ? '' : `Received ${signal}: `;
    const what = force
      ? 'stopping now, running refreshes are cancelled.'
      : `stopping, a running refresh has ${formatDuration(graceMs)} to finish.`;
    return cause === '' ? what.replace('stopping', 'Stopping') : cause + what;
  },
  stopped: ({ exitStatus, uptimeMs }) =>
    `Stopped after ${formatDuration(uptimeMs)}${exitStatus === 0 ? '' : `, with exit status ${exitStatus}`}.`,
};

const wakes: Readonly<Record<EventOf<'ready'>['wake'], string>> = {
  notify: 'woken by notifications', poll: 'polling', once: 'looking once',
};

const unseenSigns: Readonly<Record<EventOf<'change.unseen'>['because'], string>> = {
  storage: 'its storage was replaced',
  partitions: 'its partitions differ',
  columns: 'its columns differ',
  counters: 'its row counters moved',
  unknown: 'nothing is known of how it looked before',
};

/** An event as a full sentence on one line: platforms such as Heroku and Fly show it raw. */
export function eventMessage(event: ListenerEvent): string {
  return messageOf(event);
}

function messageOf<Name extends EventName>(event: EventOf<Name>): string {
  const render: Messages[Name] = messages[event.event];
  return render(event);
}
