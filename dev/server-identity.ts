import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Accounts that exist on most systems. None is created: a test run leaves the machine as it found it. */
const accounts = ['postgres', 'nobody', 'daemon'];

/** As whom the server runs: PostgreSQL refuses to run as root. Undefined: as this process. */
export function serverIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const account of accounts) {
    const uid = idOf('-u', account);
    const gid = idOf('-g', account);
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new Error(`PostgreSQL does not run as root, and none of the accounts ${accounts.join(', ')} exists to run it as. Run the tests as an ordinary user.`);
}

/** `id` and not /etc/passwd: accounts may come from elsewhere (NSS, macOS). */
function idOf(which: '-u' | '-g', account: string): number | undefined {
  try {
    return Number.parseInt(execFileSync('id', [which, account], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }), 10);
  } catch {
    return undefined; // no such account: the next one is tried
  }
}

/** The first temporary folder that we may write to and the server may enter: TMPDIR may be a private or a missing one. */
export function temporaryFolder(identity: Identity | undefined): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  for (const candidate of candidates) {
    const folder = writableFolder(candidate);
    if (folder !== undefined && mayEnter(folder, identity)) return folder;
  }
  throw new Error(`No temporary folder that the server may enter: tried ${candidates.join(', ')}. Set TMPDIR to one.`);
}

function writableFolder(candidate: string): string | undefined {
  try {
    const folder = realpathSync(candidate);
    rmdirSync(mkdtempSync(join(folder, 'pg-refresh-listener-')));
    return folder;
  } catch {
    return undefined; // missing or read-only: the next one is tried
  }
}

function mayEnter(folder: string, identity: Identity | undefined): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...identity, cwd: '/', stdio: 'ignore' }).status === 0;
}
