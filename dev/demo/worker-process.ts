import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface WorkerProcess {
  /** The exit status, when the process has ended; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, as a platform stops it; SIGKILL if that does not help. May be called twice. Resolves to the exit status. */
  stop(): Promise<number | null>;
  /** SIGKILL. Complete when it returns. */
  kill(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const endWithDemo = new URL('end-with-demo.mjs', import.meta.url).href;
const patienceMs = 5_000;

/**
 * The built command in a process of its own. Its log goes where ours goes, and is coloured where ours would be. In a process group
 * of its own: a Ctrl-C is for the demo, whose worker has to catch up before it stops.
 */
export function startWorkerProcess(databaseUrl: string, args: readonly string[]): WorkerProcess {
  const child = fork(command, [...args], {
    detached: true,
    execArgv: ['--import', endWithDemo],
    env: { ...environment(), DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  ended.catch(() => undefined); // told to whoever awaits it
  const kill = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    ended,
    kill,
    async stop() {
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })]);
      await kill();
      return ended;
    },
  };
}

/** Another command of the same program, which ends by itself. What it says goes where ours goes. @throws when it fails */
export async function runCommand(databaseUrl: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [command, ...args], { cwd: root, env: { ...environment(), DATABASE_URL: databaseUrl }, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`listener ${args.join(' ')} ended with exit status ${status ?? 'none'}`);
}

/** Without what would change the worker shown: its own options, and the driver's variables. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG')));
}
