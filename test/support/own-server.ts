import type { TestContext } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../dev/embedded-server.js';
import { parseMajor } from '../../dev/postgres-package.js';

/**
 * A server of the test's own, to restart and to crash, of the major version of this run. It stops when the test is finished.
 * Where no embedded server can start, the test is skipped and says why.
 */
export async function startOwnServer(context: TestContext, settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedServer> {
  const major = parseMajor(process.env.TEST_POSTGRES_MAJOR ?? '15');
  let server: EmbeddedServer;
  try {
    server = await startEmbeddedServer({ major, settings });
  } catch (error) {
    context.skip(`no embedded server can start here: ${error instanceof Error ? error.message : String(error)}`);
  }
  context.onTestFinished(() => server.stop());
  return server;
}
