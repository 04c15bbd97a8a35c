import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { cli } from '../support/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command in a process of its own, to be read and signalled. It is gone when the test is finished. */
export function spawnListener(url: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG'));
  const child = spawn(process.execPath, [...cli, ...args], { cwd: root, env: { ...Object.fromEntries(inherited), DATABASE_URL: url } });
  child.stdin.end();
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs the command to its end. */
export async function listener(url: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawnListener(url, args);
  const [[status], stdout, stderr] = await Promise.all([once(child, 'exit') as Promise<[number | null]>, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}
