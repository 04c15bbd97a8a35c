import { nearestNames } from './nearest-names.js';
import { environmentNames, optionNames } from './options.js';
import { UsageError } from './usage-error.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Kubernetes gives every container variables for each service of its namespace. A service named `listener` makes
 * LISTENER_SERVICE_HOST, LISTENER_PORT=tcp://..., LISTENER_PORT_9187_TCP_ADDR: no mistake of the user's.
 */
const serviceVariable = /^LISTENER_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const serviceAddress = /^(tcp|udp|sctp):\/\//;

/** Whether a variable speaks of a service called `listener`, and not to us: LISTENER_PORT, which is an option as well, by its value. */
export function isServiceVariable(name: string, value: string | undefined): boolean {
  return serviceVariable.test(name) || (name === 'LISTENER_PORT' && serviceAddress.test(value ?? ''));
}

/**
 * A misspelt variable would be ignored in silence, and the worker would run with a default that nobody chose.
 * @throws UsageError for a LISTENER_ variable that no option reads.
 */
export function refuseUnknownVariables(env: Environment): void {
  const known = optionNames.flatMap(environmentNames);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('LISTENER_') || known.includes(name) || isServiceVariable(name, value)) continue;
    const [nearest] = nearestNames(name, known, 1);
    const remedy = nearest === undefined ? 'listener --help lists the options' : `did you mean ${nearest}?`;
    throw new UsageError(`no option reads the environment variable ${name}: ${remedy}`);
  }
}
