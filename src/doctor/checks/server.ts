import type { Fault } from '../../catalog/fault.js';
import type { ServerFacts } from '../../catalog/server.js';
import { pass, type Finding } from '../finding.js';

/** Is this a server on which a worker can keep its promises? Pure. */
export function serverFinding(facts: ServerFacts, fault: Fault | undefined): Finding {
  const server = `PostgreSQL ${facts.version.split(' ')[0] ?? facts.version}`;
  if (fault === undefined) return pass(`${server}, a primary`);
  // Somebody who merely looks on: the worker itself runs as another role.
  const onlooker = facts.schemaExists && !facts.schemaOwned && !facts.inRecovery;
  return {
    level: onlooker ? 'warning' : 'failure',
    what: fault.what.replace(/\.$/, ''),
    why: onlooker ? 'A worker could not run as this role, and the privileges of the role it runs as were not examined.' : 'No worker can start here.',
    remedy: fault.remedy,
  };
}
