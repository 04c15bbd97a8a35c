import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../dev/embedded-server.js';
import { parseMajor } from '../../dev/postgres-package.js';
import { authority, signedBy, type Pair } from './certificates.js';

/** A PostgreSQL that takes connections over TLS only. Its certificate is for `localhost`, and that is at 127.0.0.1. */
export interface TlsServer {
  readonly server: EmbeddedServer;
  /** As superuser; encrypted, without a check of the certificate. */
  readonly adminUrl: string;
  /** Files with the certificate of the authority that signed the server's, and of one that did not. */
  readonly ca: string;
  readonly otherCa: string;
  /** Files of a certificate that the server accepts of clients. */
  readonly clientCert: string;
  readonly clientKey: string;
  /** Replaces pg_hba.conf: who may come in, and how. */
  admit(...lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Lets everybody in who knows the password, over TLS. */
export const tlsOnly = 'hostssl all all 127.0.0.1/32 scram-sha-256';

/** One for all tests of a file. Where no embedded server can start they are skipped and say why. */
export function tlsServerHere(): () => TlsServer {
  let made: TlsServer | undefined;
  let whyNot = 'it was not started';
  beforeAll(async () => {
    const major = parseMajor(process.env.TEST_POSTGRES_MAJOR ?? '15');
    const server = await startEmbeddedServer({ major }).catch((error: unknown) => void (whyNot = String(error)));
    if (server !== undefined) made = await withTls(server);
  });
  beforeEach((context) => {
    if (made === undefined) context.skip(`no embedded server can start here: ${whyNot}`);
  });
  afterAll(() => made?.stop());
  return () => {
    if (made === undefined) throw new Error(whyNot);
    return made;
  };
}

async function withTls(server: EmbeddedServer): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'listener-tls-'));
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [ca, other] = [await authority('Test authority'), await authority('Another authority')];
    const [host, client] = [await signedBy(ca, 'localhost'), await signedBy(ca, 'client')];
    await inDataFolder(server, 'server.crt', host.cert);
    await inDataFolder(server, 'server.key', host.key);
    await inDataFolder(server, 'root.crt', ca.cert);
    const admit = async (...lines: readonly string[]): Promise<void> => {
      await inDataFolder(server, 'pg_hba.conf', `${lines.join('\n')}\n`);
      await server.restart('fast');
    };
    await onServer(server.url, "ALTER SYSTEM SET ssl = 'on'", "ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    await admit(tlsOnly);
    return {
      server, admit, stop,
      adminUrl: `${server.url}?sslmode=no-verify`,
      ca: await kept(folder, 'ca.pem', ca), otherCa: await kept(folder, 'other.pem', other),
      clientCert: await kept(folder, 'client.pem', client), clientKey: await kept(folder, 'client.key', { cert: client.key }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function kept(folder: string, name: string, { cert }: Pick<Pair, 'cert'>): Promise<string> {
  await writeFile(join(folder, name), cert, { mode: 0o600 });
  return join(folder, name);
}

/** As a file of the server's own: it reads no key that others might. */
async function inDataFolder({ dataDir }: EmbeddedServer, name: string, text: string): Promise<void> {
  const { uid, gid } = await stat(dataDir);
  await writeFile(join(dataDir, name), text, { mode: 0o600 });
  await chown(join(dataDir, name), uid, gid);
}

async function onServer(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
