import { PostgreSqlContainer } from '@testcontainers/postgresql';
import pg from 'pg';
import { startEmbeddedServer } from '../../dev/embedded-server.js';
import { parseMajor, type Major } from '../../dev/postgres-package.js';
import { initdbFlags, settingFlags } from '../../dev/server-settings.js';
import { engineAnswers } from './container-engine.js';

export interface TestServer {
  /** Superuser, any database: databases for tests are created through it. */
  readonly adminUrl: string;
  /** `embedded`, `container` or `TEST_DATABASE_URL`. */
  readonly kind: string;
  stop(): Promise<void>;
}

/** The server of this run: TEST_DATABASE_URL, else a container if an engine answers, else the embedded one. */
export async function startServer(env: NodeJS.ProcessEnv): Promise<TestServer> {
  const major = env.TEST_POSTGRES_MAJOR ? parseMajor(env.TEST_POSTGRES_MAJOR) : undefined;
  if (env.TEST_DATABASE_URL) return givenServer(env.TEST_DATABASE_URL, major);
  if (await engineAnswers()) {
    try {
      return await containerServer(major ?? 15);
    } catch (error) {
      // For instance an engine without a way to the image: the tests can do without.
      console.log(`A container engine answers, but PostgreSQL did not start in it: ${String(error)}`);
    }
  }
  const server = await startEmbeddedServer({ major: major ?? 15 });
  return { adminUrl: server.url, kind: 'embedded', stop: () => server.stop() };
}

async function givenServer(adminUrl: string, major: Major | undefined): Promise<TestServer> {
  if (!URL.canParse(adminUrl) || new URL(adminUrl).hostname === '') throw new Error('TEST_DATABASE_URL has to be a URL with a host: postgres://user:password@host:port/database');
  const version = await serverVersion(adminUrl);
  if (major !== undefined && Number.parseInt(version, 10) !== major)
    throw new Error(`TEST_POSTGRES_MAJOR is ${major}, but the server of TEST_DATABASE_URL is PostgreSQL ${version}: unset one of them`);
  return { adminUrl, kind: 'TEST_DATABASE_URL', stop: () => Promise.resolve() };
}

async function containerServer(major: Major): Promise<TestServer> {
  const container = await new PostgreSqlContainer(`postgres:${major}`)
    .withEnvironment({ POSTGRES_INITDB_ARGS: initdbFlags.join(' ') })
    .withCommand(['postgres', ...settingFlags()])
    .start();
  return {
    adminUrl: container.getConnectionUri(),
    kind: 'container',
    async stop() {
      await container.stop();
    },
  };
}

/** As PostgreSQL says it: `15.18`, on Debian `15.18 (Debian 15.18-1.pgdg13+1)`. */
export async function serverVersion(url: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await client.end();
  }
}
