import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { cli } from './cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** `listener ...` on a terminal of its own, by util-linux's `script`; skips the test where there is none. @returns what the terminal got */
export async function onTerminal(context: TestContext, url: string, args: readonly string[]): Promise<string> {
  const version = spawnSync('script', ['--version'], { encoding: 'utf8' });
  context.skip(version.status !== 0 || !version.stdout.includes('util-linux'), 'script of util-linux is not installed');
  const command = [process.execPath, ...cli, ...args].map((word) => `'${word}'`).join(' ');
  const { stdout } = await execute('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: root, env: { ...process.env, DATABASE_URL: url, TERM: 'xterm', COLUMNS: '120' }, maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
