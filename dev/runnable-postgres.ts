import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, readdir, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { cachedFolder } from './cached-folder.js';
import type { PostgresPackage } from './postgres-package.js';
import type { Identity } from './server-identity.js';

export interface RunnablePostgres {
  /** Holds initdb, pg_ctl and postgres. */
  readonly binFolder: string;
  /** As PostgreSQL says it: `15.18`. */
  readonly version: string;
}

/**
 * Binaries that `identity` can run: those of the package where they stand, else a copy in `cacheParent`. A copy is needed when root
 * runs the tests in a folder that only root may enter, and when the package's folder is read-only and lacks its links.
 */
export async function runnablePostgres(found: PostgresPackage, cacheParent: string, identity: Identity | undefined): Promise<RunnablePostgres> {
  const linked = await createLibraryLinks(found.nativeFolder).then(() => true, refusedWriting);
  const inPlace = linked ? probe(found.nativeFolder, identity) : undefined;
  if (inPlace?.version !== undefined) return { binFolder: join(found.nativeFolder, 'bin'), version: inPlace.version };

  const cached = await cachedFolder(cacheParent, `postgres-${found.version}`, async (folder) => {
    await copyFolder(found.nativeFolder, join(folder, 'native'));
    await createLibraryLinks(join(folder, 'native'));
  });
  const copy = join(cached, 'native');
  const copied = probe(copy, identity);
  if (copied.version === undefined) throw new Error(`The PostgreSQL in ${copy} does not run: ${copied.failure}`);
  return { binFolder: join(copy, 'bin'), version: copied.version };
}

type Probe = { readonly version: string } | { readonly version?: never; readonly failure: string };

/** Running it is the only honest test: it covers the way there, the permissions, the libraries and the platform. */
function probe(nativeFolder: string, identity: Identity | undefined): Probe {
  const { stdout, stderr, error } = spawnSync(join(nativeFolder, 'bin', 'postgres'), ['--version'], { ...identity, cwd: '/', encoding: 'utf8' });
  const version = /^postgres \(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  return version === undefined ? { failure: error?.message ?? stderr } : { version };
}

interface LibraryLink {
  /** The existing file and the link to it, both relative to the package's folder. */
  readonly source: string;
  readonly target: string;
}

/** npm packages cannot hold links; the package's install script makes them, where npm runs such scripts. */
async function createLibraryLinks(nativeFolder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(nativeFolder, 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  for (const { source, target } of links) {
    await symlink(relative(dirname(target), source), join(nativeFolder, '..', target)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  }
}

function refusedWriting(error: unknown): false {
  if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) return false;
  throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Readable for everybody, whatever the umask and the modes of the original; links are made anew. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyFolder(source, target);
    if (!entry.isFile()) continue;
    await copyFile(source, target);
    await chmod(target, 0o755);
  }
}
