import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';

const execute = promisify(execFile);
/** Where Debian's packages keep the programs of each major version. */
const debianFolder = '/usr/lib/postgresql';

/** PostgreSQL's own client programs, of one installation. */
export interface ClientPrograms {
  /** @returns what the program wrote to standard error. @throws with it when the program failed. */
  run(program: 'pg_dump' | 'pg_restore' | 'psql', args: readonly string[]): Promise<string>;
}

/** The client programs of an installation at least as new as the server; without one the test is skipped and says so. */
export async function clientPrograms(context: TestContext, major: number): Promise<ClientPrograms> {
  const found: string[] = [];
  for (const folder of candidateFolders()) {
    const version = await versionIn(folder);
    if (version === undefined) continue;
    if (version >= major) return { run: (program, args) => runProgram(join(folder, program), args) };
    found.push(`pg_dump ${version} in ${folder}`);
  }
  const why = found.length === 0 ? 'none is installed' : `there is only ${found.join(', ')}`;
  return context.skip(`pg_dump ${major} or newer is needed: ${why}`);
}

function candidateFolders(): string[] {
  let versions: string[] = [];
  try {
    versions = readdirSync(debianFolder);
  } catch {
    // Not a Debian with PostgreSQL: the PATH is all there is.
  }
  return [...versions.map((version) => join(debianFolder, version, 'bin')), ...(process.env.PATH ?? '').split(delimiter)];
}

/** All three programs, and their major version. */
async function versionIn(folder: string): Promise<number | undefined> {
  try {
    const answers = await Promise.all(['pg_dump', 'pg_restore', 'psql'].map((program) => execute(join(folder, program), ['--version'])));
    const majors = answers.map(({ stdout }) => Number(/\) (\d+)/.exec(stdout)?.[1]));
    return Math.min(...majors);
  } catch {
    return undefined; // not there, or not to be run here
  }
}

async function runProgram(path: string, args: readonly string[]): Promise<string> {
  const { stderr } = await execute(path, args, { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024 });
  return stderr;
}
