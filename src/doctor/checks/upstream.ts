import type { Check, ViewCondition } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { watchedSources, type WatchedSource } from '../watched-sources.js';

/** Is a materialized view that another one reads served as well? Then its refreshes are recorded. */
export const upstreamCheck: Check = {
  name: 'upstream views',
  group: 'Changes',
  needsInstallation: true,
  examine: async ({ database, views, conditions }) => {
    const named = new Set(views.map((view) => view.oid));
    const upstream = (await watchedSources(database, views)).filter((source) => source.kind === 'm' && !named.has(source.oid));
    const findings = upstream.flatMap((source) => upstreamFinding(source, conditions.get(source.oid)));
    return orPass(findings, 'Every materialized view that is read by another is served too');
  },
};

/** Pure. */
export function upstreamFinding(source: WatchedSource, condition: Pick<ViewCondition, 'served'> | undefined): Finding[] {
  if (condition?.served === true) return [];
  const [first = '', ...others] = source.views;
  return [{
    level: 'warning', source: source.name, view: first,
    what: `${first}${others.length === 0 ? '' : ` and ${others.length} more`} reads ${source.name}, which no worker serves`,
    why: 'When somebody else refreshes it, only the sweep finds that out.',
    remedy: `listener --views '${source.name}',${source.views.map((view) => `'${view}'`).join(',')}`,
  }];
}
