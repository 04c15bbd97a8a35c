import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { cli } from './cli.js';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the command, with nothing of this run's environment that it reads; ends it by SIGTERM once its output holds `until`. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv, until?: RegExp): Promise<Outcome> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG') && name !== 'DATABASE_URL');
  const child = spawn(process.execPath, [...cli, ...args], {
    cwd: root, env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let seen = '';
  let stopping = false;
  child.stdout.on('data', (piece: Buffer) => {
    seen += piece.toString();
    if (stopping || until?.test(seen) !== true) return;
    stopping = true;
    child.kill('SIGTERM');
  });
  const [[status], stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}
