import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { runCommand, type Outcome } from './command.js';
import { cli } from './cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A command that runs in a process of its own. */
export interface RunningCommand {
  /** Resolves when its output holds this. */
  saying(words: string): Promise<void>;
  readonly outcome: Promise<Outcome>;
}

/** `listener ...` as a real process; nothing of the environment that the tests run in counts. It ends with the test. */
export function startListener(url: string, args: readonly string[]): RunningCommand {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG') && name !== 'DATABASE_URL');
  const child = spawn(process.execPath, [...cli, ...args], {
    cwd: root, env: { ...Object.fromEntries(inherited), DATABASE_URL: url }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let seen = '';
  child.stdout.on('data', (piece: Buffer) => (seen += piece.toString()));
  const outcome = Promise.all([exited, text(child.stdout), text(child.stderr)]).then(([[status], stdout, stderr]) => ({ status, stdout, stderr }));
  return {
    outcome,
    saying: async (words) => {
      while (!seen.includes(words)) await once(child.stdout, 'data');
    },
  };
}

/** The same, run to its end. */
export function listener(url: string, args: readonly string[]): Promise<Outcome> {
  return runCommand(args, { DATABASE_URL: url });
}

/** What a command with --json wrote: an object a line. */
export function jsonLines({ stdout }: Outcome): Record<string, unknown>[] {
  return stdout.trimEnd().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}
