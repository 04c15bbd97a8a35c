import { randomBytes } from 'node:crypto';
import { chmod, chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { startGuard, type Guard, type RunResult } from './guard.js';
import { postgresPackage, type Major } from './postgres-package.js';
import { runnablePostgres } from './runnable-postgres.js';
import { serverIdentity, temporaryFolder, type Identity } from './server-identity.js';
import { initdbFlags, settingFlags } from './server-settings.js';

export interface EmbeddedServerOptions {
  /** Default 15. */
  readonly major?: Major;
  /** Server settings beside or instead of those of server-settings.ts. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedServer {
  /** Superuser, database `postgres`. */
  readonly url: string;
  /** On 127.0.0.1; stays the same over restarts. */
  readonly port: number;
  readonly dataDir: string;
  /** Of the postmaster; another one after a restart. */
  readonly pid: number;
  /** As PostgreSQL says it: `15.18`. */
  readonly version: string;
  /** `fast` ends sessions in order, `immediate` is a crash followed by recovery. Also starts a server that somebody killed. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  /** Leaves neither process nor folder; may be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of its own, without Docker and without an installed one. It listens on 127.0.0.1 only, with a random password.
 * When this process ends in whatever way, the server and its folder go too (see guard-process.mjs). Linux and macOS.
 *
 * @throws when the binaries do not run here or the server does not start; the message holds what it wrote.
 */
export async function startEmbeddedServer({ major = 15, settings }: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const identity = serverIdentity();
  const parent = temporaryFolder(identity);
  const { binFolder, version } = await runnablePostgres(await postgresPackage(major, parent), parent, identity);
  const guard = await startGuard(parent, 'pg-refresh-listener-server-', identity);
  try {
    const dataDir = join(guard.folder, 'data');
    const password = randomBytes(16).toString('hex');
    await initialise(guard, binFolder, dataDir, password, identity);

    const start = (port: number) => startPostmaster(guard, join(binFolder, 'postgres'), ['-D', dataDir, ...networkFlags(port), ...settingFlags(settings)]);
    const { port, pid: firstPid } = await startOnFreePort(start);
    let pid = firstPid;
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      dataDir,
      version,
      get pid() {
        return pid;
      },
      async restart(mode) {
        await guard.signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
        pid = await startOnSamePort(start, port);
      },
      stop: () => guard.end(),
    };
  } catch (error) {
    await guard.end();
    throw error;
  }
}

async function initialise(guard: Guard, binFolder: string, dataDir: string, password: string, identity: Identity | undefined): Promise<void> {
  const passwordFile = join(guard.folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  await chmod(passwordFile, 0o600); // whatever the umask left of it
  if (identity) await chown(passwordFile, identity.uid, identity.gid);
  const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync', '--no-instructions', ...initdbFlags];
  const { code, output } = await guard.run(join(binFolder, 'initdb'), ['-D', dataDir, ...flags], { env: environment() });
  if (code !== 0) throw new Error(`initdb failed:\n${output}`);
  await rm(passwordFile);
}

function networkFlags(port: number): string[] {
  return ['-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
}

type Start = (port: number) => Promise<RunResult>;

function startPostmaster(guard: Guard, postgres: string, args: readonly string[]): Promise<RunResult> {
  return guard.run(postgres, args, { env: environment(), until: readyToAccept });
}

/** `... connections`, or on a standby `... read-only connections`. */
const readyToAccept = 'database system is ready to accept';

/** Between finding a free port and using it another process may take it: then another one is tried. */
async function startOnFreePort(start: Start): Promise<{ port: number; pid: number }> {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const result = await start(port);
    if (!result.ended && result.pid !== undefined) return { port, pid: result.pid };
    if (attempt === 10 || !result.output.includes(portTaken)) throw new Error(`PostgreSQL did not start:\n${result.output}`);
  }
}

/** After a crash the last children of the old server may hold its shared memory, and for a moment somebody else the port. */
async function startOnSamePort(start: Start, port: number): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const result = await start(port);
    if (!result.ended && result.pid !== undefined) return result.pid;
    const passes = result.output.includes(portTaken) || result.output.includes('pre-existing shared memory block');
    if (attempt === 50 || !passes) throw new Error(`PostgreSQL did not start again on port ${port}:\n${result.output}`);
    await sleep(200);
  }
}

const portTaken = 'could not create any TCP/IP sockets';

/** English messages, since some are read here; and none of the variables that PostgreSQL takes settings from. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
}
