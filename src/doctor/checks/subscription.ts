import { formatDuration } from '../../config/duration.js';
import { loadQuery } from '../../database/sql.js';
import { listing } from '../../report/sentence.js';
import type { SurveyedView } from '../../catalog/survey.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

const subscribedRelationsQuery = loadQuery('subscribed-relations');

/** Does a source get its rows from another server? */
export const subscriptionCheck: Check = {
  name: 'subscriptions',
  group: 'Changes',
  examine: async ({ database, views, config }) => {
    const sources = new Map(views.flatMap((view) => view.sources.map((source) => [source.oid, source.name] as const)));
    const subscribed = await database.rows<Subscribed>(subscribedRelationsQuery, [[...sources.keys()]]);
    const late = [...new Set(subscribed.map(({ oid }) => oid))].map((oid) => subscriptionFinding(sources.get(oid) ?? '', readersOf(oid, views), config.sweepMs));
    const idle = new Map(subscribed.filter(({ enabled, running }) => !enabled || !running).map((one) => [one.subscription, one]));
    return orPass([...late, ...[...idle.values()].map(idleFinding)], 'No source gets its rows by logical replication');
  },
};

function readersOf(source: number, views: readonly SurveyedView[]): string[] {
  return views.filter((view) => view.sources.some(({ oid }) => oid === source)).map((view) => view.name);
}

interface Subscribed {
  readonly oid: number;
  /** Quoted. */
  readonly subscription: string;
  readonly enabled: boolean;
  readonly running: boolean;
}

/** Pure. */
export function idleFinding({ subscription, enabled }: Pick<Subscribed, 'subscription' | 'enabled'>): Finding {
  return {
    level: 'warning',
    what: enabled ? `Subscription ${subscription} is enabled, and nothing receives for it` : `Subscription ${subscription} is disabled`,
    why: 'What is written on the other server does not arrive here, and no view shows it, however fresh it is said to be.'
      + (enabled ? ' The log of this server says why it cannot start.' : ''),
    remedy: enabled ? `ALTER SUBSCRIPTION ${subscription} DISABLE;\nALTER SUBSCRIPTION ${subscription} ENABLE;` : `ALTER SUBSCRIPTION ${subscription} ENABLE;`,
  };
}

/** Pure. */
export function subscriptionFinding(source: string, views: readonly string[], sweepMs: number): Finding {
  return {
    level: 'warning', source,
    what: `${source} gets its rows by logical replication`,
    why: `That fires no statement trigger: such changes are found by the sweep only, every ${formatDuration(sweepMs)}, and ${listing(views)} shows them that much later.`,
    remedy: 'Set --sweep 10s, or as late as views may be',
  };
}
