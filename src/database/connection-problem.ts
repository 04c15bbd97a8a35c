import type { Config } from '../config/config.js';
import { redactUrl } from '../config/redact-url.js';
import { UsageError } from '../config/usage-error.js';
import { DirectConnectionError, explainConnectionError } from './connection-error.js';

/**
 * What a command says, with exit status 2, when it could not connect: one line, the remedy, no password.
 * Undefined when the error is not about a connection. A worker that serves already waits for its database instead.
 */
export function connectionProblem(error: unknown, config: Pick<Config, 'databaseUrl' | 'listenUrl'>): UsageError | undefined {
  const direct = error instanceof DirectConnectionError && config.listenUrl !== config.databaseUrl;
  const url = direct ? config.listenUrl : config.databaseUrl;
  const reason = explainConnectionError(error, url === undefined ? undefined : redactUrl(url));
  return reason === undefined ? undefined : new UsageError(`could not connect: ${reason}`, { cause: error });
}
