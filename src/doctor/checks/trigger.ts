import { needsTrigger } from '../../catalog/source-kind.js';
import { findTriggerFaults, triggerStatements, type FoundTriggerFault, type TriggerFault } from '../../catalog/trigger.js';
import { count } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { watchedSources } from '../watched-sources.js';

/** Does every registered source record its changes? */
export const triggerCheck: Check = {
  name: 'triggers',
  group: 'Changes',
  needsInstallation: true,
  examine: async ({ database, views }) => {
    const sources = (await watchedSources(database, views)).filter((source) => needsTrigger(source) && source.id !== undefined);
    const targets = sources.flatMap(({ id, oid, name, owned }) => (id === undefined ? [] : [{ id, oid, name, owned }]));
    const faults = (await findTriggerFaults(database, targets)).filter(({ target, fault }) => {
      // Without the privilege there could be none: that is told where privileges are, and of partitions.
      const source = sources.find(({ oid }) => oid === target.oid);
      return fault !== 'missing' || source?.mayTrigger === true;
    });
    return orPass(faults.map(triggerFinding), `The triggers of ${count(targets.length, 'table')} are in order`);
  },
};

const conditions: Readonly<Record<TriggerFault, string>> = {
  missing: 'has no trigger: it was dropped, or could not be created yet',
  disabled: 'has its trigger disabled',
  altered: 'has a trigger of ours that was altered',
};

/** Pure. */
export function triggerFinding({ target, fault, ours }: FoundTriggerFault): Finding {
  if (!ours) {
    return {
      level: 'failure', source: target.name,
      what: `${target.name} has a trigger named refresh_listener that is not ours`,
      why: 'It is left alone, so that the changes of this table are recorded by nobody: only the sweep finds them.',
      remedy: `ALTER TRIGGER refresh_listener ON ${target.name} RENAME TO refresh_listener_other;`,
    };
  }
  return {
    level: 'failure', source: target.name,
    what: `${target.name} ${conditions[fault]}`,
    why: 'Its changes are not recorded: only the sweep finds them. A running worker mends it in its next sweep; at once does:',
    remedy: ['BEGIN;', ...triggerStatements(target.name, target).map((statement) => `${statement};`), 'COMMIT;'].join('\n'),
  };
}
