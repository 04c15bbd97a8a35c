import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { ListenerEvent } from '../../src/report/event.js';
import { EventRecord } from './event-record.js';
import { cli } from './cli.js';

export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly events: EventRecord;
  /** What it wrote besides events: start-up errors, warnings. */
  readonly output: string[];
  /** Sends SIGKILL and returns when the process is gone. */
  kill(): Promise<void>;
  /** Sends SIGTERM; returns the exit status. */
  terminate(): Promise<number | null>;
  /** The exit status, null after a signal. */
  readonly exited: Promise<number | null>;
}

/** As in testConfig of test-worker.ts. */
const shortTimes = ['--debounce=50ms', '--max-wait=1s', '--sweep=10m', '--poll=50ms', '--retry-base=50ms', '--retry-max=500ms', '--freshness=10m'];

/** The real command in a process of its own, to be killed: `listener --views ...`. Its log is read as it comes. */
export function spawnWorker(url: string, views: readonly string[], args: readonly string[] = []): WorkerProcess {
  const given = args.map((arg) => arg.split('=')[0]);
  const times = shortTimes.filter((time) => !given.includes(time.split('=')[0]));
  const child = spawn(
    process.execPath,
    [...cli, ...views.map((view) => `--views=${view}`), ...times, '--log-level=debug', '--log-format=json', ...args],
    { env: { ...process.env, DATABASE_URL: url }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const events = new EventRecord();
  const output: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = parsed(line);
    if (typeof entry?.event === 'string') events.push(entry as unknown as ListenerEvent);
    else output.push(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => output.push(line));
  const exited = once(child, 'close').then(([status]) => status as number | null);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  return {
    child, events, output, kill, exited,
    terminate: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // not a line of the log: kept as output
  }
}
