import { missingPrivileges } from '../../catalog/privilege.js';
import type { Check } from '../examination.js';
import { orPass, pass } from '../finding.js';

export const privilegeCheck: Check = {
  name: 'privileges',
  group: 'Views',
  examine: ({ views, facts }) => {
    if (facts.schemaExists && !facts.schemaOwned) {
      return Promise.resolve([pass(`Privileges were not examined: the worker runs as ${String(facts.schemaOwner)}, this is ${facts.role}`)]);
    }
    const findings = views.flatMap((view) => missingPrivileges(view, facts).map((missing) => ({
      level: 'failure' as const,
      view: view.name,
      ...(missing.source === undefined ? {} : { source: missing.source }),
      what: missing.what.replace(/\.$/, ''),
      why: `A worker for this view does not start.${missing.alternative === undefined ? '' : ` Another way: ${missing.alternative}`}`,
      remedy: missing.remedy,
    })));
    return Promise.resolve(orPass(findings, `Role ${facts.role} has every privilege it needs`));
  },
};
