import type { Config } from '../config/config.js';
import { UsageError } from '../config/usage-error.js';

/**
 * Why a port cannot be listened on, with what to do about it. Pure.
 *
 * @param error what `listen` failed with
 */
export function bindProblem(error: NodeJS.ErrnoException, { port, host, origins }: Pick<Config, 'port' | 'host' | 'origins'>): UsageError {
  const [portOrigin, hostOrigin] = [origins.port ?? '--port', origins.host ?? '--host'];
  const message = ((): string => {
    switch (error.code) {
      case 'EADDRINUSE': return `${portOrigin}: port ${port} of ${host} is in use: choose another one, or stop what listens there`;
      case 'EACCES': return `${portOrigin}: this user may not listen on port ${port}: choose one from 1024 on`;
      case 'EADDRNOTAVAIL': return `${hostOrigin}: ${host} is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all that it has`;
      case 'ENOTFOUND':
      case 'EAI_AGAIN': return `${hostOrigin}: no address of ${host} is known: write one, such as 127.0.0.1, or 0.0.0.0 for all of this machine`;
      case 'EAFNOSUPPORT': return `${hostOrigin}: this machine has no addresses of the kind of ${host}: write 127.0.0.1, or 0.0.0.0 for all that it has`;
      default: return `${portOrigin}: cannot listen on port ${port} of ${host} (${error.message}): choose another port or --host`;
    }
  })();
  return new UsageError(message, { cause: error });
}
