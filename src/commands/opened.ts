import { readServerFacts, requireServer } from '../catalog/server.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { connectionProblem } from './connection-problem.js';

/**
 * Lends a command a connection to a server on which views can be refreshed, and closes it whatever happens.
 *
 * @throws UsageError for a server that will not do, or cannot be reached
 */
export async function withServer<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database(config.databaseUrl, 1);
  try {
    // What is lost later was no mistake of the caller's.
    const facts = await readServerFacts(database).catch((error: unknown) => {
      throw connectionProblem(error, config) ?? error;
    });
    requireServer(facts);
    return await work(database);
  } finally {
    await database.close();
  }
}

/** One line on standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
