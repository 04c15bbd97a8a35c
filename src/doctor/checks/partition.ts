import { triggerGrant } from '../../catalog/privilege.js';
import { needsTrigger } from '../../catalog/source-kind.js';
import { findTriggerFaults } from '../../catalog/trigger.js';
import { count, listing } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { watchedSources, type WatchedSource } from '../watched-sources.js';

/** Does each partition record the writes that go to it directly? Those through its parent are seen there. */
export const partitionCheck: Check = {
  name: 'partitions',
  group: 'Changes',
  needsInstallation: true,
  examine: async ({ database, views, facts, conditions }) => {
    const registered = views.filter((view) => conditions.has(view.oid));
    const children = (await watchedSources(database, registered)).filter((source) => source.isChild && needsTrigger(source));
    const targets = children.flatMap(({ id, oid, name, owned }) => (id === undefined ? [] : [{ id, oid, name, owned }]));
    const missing = new Set((await findTriggerFaults(database, targets)).filter(({ fault }) => fault === 'missing').map(({ target }) => target.oid));
    const findings = children.flatMap((child) => partitionFinding(child, missing.has(child.oid), facts.role));
    return orPass(findings, children.length === 0 ? 'No source has partitions or children' : `${count(children.length, 'partition')} covered`);
  },
};

/** Pure. @param triggerless whether it is registered and has no trigger */
export function partitionFinding(child: WatchedSource, triggerless: boolean, role: string): Finding[] {
  const { name, id, mayTrigger, views } = child;
  if (!mayTrigger && (id === undefined || triggerless)) {
    return [{
      level: 'warning', source: name,
      what: `Role ${role} may not create a trigger on ${name}`,
      why: `A write that names this partition itself is found by the sweep only; ${listing(views)} would be late.`,
      remedy: triggerGrant({ name }, role),
    }];
  }
  if (id !== undefined) return [];
  return [{
    level: 'warning', source: name,
    what: `${name} is not covered yet: it was attached after the last sweep`,
    why: 'A running worker covers it in its next sweep, within --sweep.',
    remedy: `listener install --views ${views.map((view) => `'${view}'`).join(',')}`,
  }];
}
