import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * A folder in `parent` that is filled once and found again by later runs.
 *
 * - Several processes may ask at once: each fills a folder of its own and renames it into place; the first wins, the others use its.
 * - A killed process leaves no half-filled one: the rename comes last.
 * - Cleaners of /tmp delete old files one by one: a manifest of names and sizes tells a whole folder from the rest of one.
 * - /tmp is everybody's: only a folder that is ours and that nobody else can write to is trusted.
 */
export async function cachedFolder(parent: string, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const path = join(parent, `pg-refresh-listener-${name}-${String(process.getuid?.() ?? 'user')}`);
  if (await isWhole(path)) return path;

  const fresh = await mkdtemp(`${path}.new-`);
  try {
    await chmod(fresh, 0o755);
    await fill(fresh);
    await writeManifest(fresh);
    return await publish(fresh, path);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function publish(fresh: string, path: string): Promise<string> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await rename(fresh, path);
      return path;
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    if (await isWhole(path)) return path;
    await discard(path);
  }
  throw new Error(`${path} could not be put in place: it is replaced again and again`);
}

/** Ours but no longer whole: out of the way first, in one step, so that nobody starts on the remains. */
async function discard(path: string): Promise<void> {
  const remains = `${path}.old-${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, remains);
  } catch (error) {
    if (isMissing(error)) return; // another process was faster
    throw error;
  }
  await rm(remains, { recursive: true, force: true });
}

async function isWhole(path: string): Promise<boolean> {
  if (!(await isOurs(path))) return false;
  try {
    const manifest = JSON.parse(await readFile(join(path, manifestName), 'utf8')) as [string, number][];
    for (const [file, size] of manifest) if ((await lstat(join(path, file))).size !== size) return false;
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) return false;
  const strange = !found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0;
  if (strange) throw new Error(`${path} is not a folder that only you can write to: somebody else made it. Remove it, or set TMPDIR to another folder.`);
  return true;
}

const manifestName = 'manifest.json';

async function writeManifest(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const manifest = await Promise.all(files.map(async (file) => [relative(folder, file), (await lstat(file)).size]));
  await writeFile(join(folder, manifestName), JSON.stringify(manifest));
  await chmod(join(folder, manifestName), 0o644); // whatever the umask left of it
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EPERM'].includes(String(error.code));
}
