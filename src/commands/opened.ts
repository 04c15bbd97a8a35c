import { setTimeout as pause } from 'node:timers/promises';
import { readServerFacts, requireServer, type ServerFacts } from '../catalog/server.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { DirectConnectionError } from '../database/connection-error.js';
import { connectionProblem } from '../database/connection-problem.js';
import { printable } from '../report/printable.js';

/**
 * Lends a command a connection, and closes it whatever happens.
 *
 * @throws UsageError for a server that cannot be reached
 */
export async function withDatabase<T>(config: Config, work: (database: Database, facts: ServerFacts) => Promise<T>): Promise<T> {
  const database = new Database(config.databaseUrl, 1);
  try {
    // What is lost later was no mistake of the caller's.
    const facts = await readServerFacts(database).catch((error: unknown) => {
      throw connectionProblem(error, config) ?? error;
    });
    return await work(database, facts);
  } catch (error) {
    throw error instanceof DirectConnectionError ? (connectionProblem(error, config) ?? error) : error;
  } finally {
    await database.close();
  }
}

/**
 * The same, with a server on which views can be refreshed.
 *
 * @throws UsageError for a server that will not do, or cannot be reached
 */
export async function withServer<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  return withDatabase(config, (database, facts) => {
    requireServer(facts);
    return work(database);
  });
}

const closeMs = 1_000;

/**
 * Lends a command that only reads a connection to any server, a standby too, and closes it whatever happens.
 *
 * @throws UsageError when it cannot be reached
 */
export async function withReader<T>(config: Config, work: (database: Database, facts: ServerFacts) => Promise<T>): Promise<T> {
  const database = new Database(config.databaseUrl, 1);
  try {
    return await work(database, await readServerFacts(database));
  } catch (error) {
    throw connectionProblem(error, config) ?? error;
  } finally {
    // Nothing was begun that must end well: a server that no longer answers keeps nobody here.
    await Promise.race([database.close(), pause(closeMs, undefined, { ref: false })]);
  }
}

/** One line on standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One sentence on standard output, on one line: a name in it can neither begin a line of its own nor steer the terminal. */
export function tell(sentence: string): void {
  say(printable(sentence));
}
