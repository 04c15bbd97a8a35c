import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ListenerEvent } from '../src/report/event.js';
import { EventRecord } from '../test/support/event-record.js';
import { usageOf, type ProcessUsage } from './process-usage.js';

export interface WorkerProcess {
  readonly events: EventRecord;
  usage(): ProcessUsage;
  /** SIGTERM; complete when the process is gone. May be called twice. */
  stop(): Promise<void>;
}

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
/** A worker must not outlive the bench, whatever that dies of. */
const endWithParent = new URL('../dev/demo/end-with-demo.mjs', import.meta.url).href;
const longestStartMs = 600_000;

/**
 * The built command, as production runs it, in a process of its own. Ready when this returns.
 *
 * @throws with what it wrote when it ends before it is ready
 */
export async function startWorkerProcess(databaseUrl: string, args: readonly string[]): Promise<WorkerProcess> {
  const child = fork(command, [...args, '--log-level', 'debug', '--log-format', 'json'], {
    execArgv: ['--import', endWithParent],
    env: { ...ownEnvironment(), DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const events = new EventRecord();
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', (line) => {
      const event = eventOf(line);
      if (event) {
        events.push(event);
      } else {
        // What a worker complains of would explain its figures, and may be a fault of ours.
        output.push(line);
        console.error(`worker: ${line}`);
      }
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await ended;
  };
  const late = new AbortController();
  const failed = async (): Promise<never> => {
    await Promise.race([ended, sleep(longestStartMs, undefined, { signal: late.signal })]);
    throw new Error(`The worker did not become ready:\n${output.slice(-20).join('\n')}`);
  };
  const failure = failed();
  failure.catch(() => undefined); // after the start nobody waits for it
  try {
    await Promise.race([events.next('ready'), failure]);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    late.abort();
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('The worker has no process id');
  return { events, usage: () => usageOf(pid), stop };
}

function eventOf(line: string): ListenerEvent | undefined {
  try {
    const entry = JSON.parse(line) as { readonly event?: unknown };
    return typeof entry.event === 'string' ? (entry as unknown as ListenerEvent) : undefined;
  } catch {
    return undefined; // not a line of the log
  }
}

/** Without what would change the worker measured. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG')));
}
