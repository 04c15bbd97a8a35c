import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, describe, expect, it, vi, type TestContext } from 'vitest';
import { startEmbeddedServer } from '../../dev/embedded-server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Demo {
  readonly child: ChildProcess;
  /** What the demo and the worker have written, without colours, since it is no terminal. */
  readonly output: () => string;
  /** Resolves when the demo has written this. */
  wrote(text: string): Promise<void>;
  /**
   * The exit status, null after a signal; when the demo is gone, and with it the worker and the server's guard: they hold the same
   * pipes, which close with the last of them.
   */
  readonly ended: Promise<number | null>;
  /** What is still there: server folders, and whether somebody listens on the server's port. */
  remains(): Promise<{ folders: string[]; listening: boolean }>;
}

const nothing = { folders: [], listening: false };

async function startDemo(context: TestContext, ...args: string[]): Promise<Demo> {
  const temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
  await chmod(temporary, 0o755); // the server may run as another user
  const child = spawn(process.execPath, ['--import', 'tsx', 'dev/demo.ts', ...args], {
    cwd: root,
    detached: true, // a process group, as a terminal's job is one
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const hear = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const ended = once(child, 'close').then(([status]) => status as number | null);
  context.onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(temporary, { recursive: true, force: true });
  });
  return {
    child,
    ended,
    output: () => output,
    wrote: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`The demo ended without "${text}":\n${output}`)));
        look();
      }),
    async remains() {
      const port = Number(/@127\.0\.0\.1:(\d+)/.exec(output)?.[1]);
      const folders = (await readdir(temporary)).filter((name) => name.startsWith('pg-refresh-listener-server-'));
      return { folders, listening: await isListening(port) };
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused
  } finally {
    socket.destroy();
  }
}

describe.concurrent('npm run demo', () => {
  let failure: string | undefined;
  beforeAll(async () => {
    // The demo runs the built command. Silent and quick after `npm test`, which has done the same.
    expect(spawnSync(process.execPath, ['dev/prepare.mjs'], { cwd: root, stdio: 'inherit' }).status).toBe(0);
    failure = await startEmbeddedServer().then((server) => server.stop()).then(() => undefined, String);
  });
  beforeEach((context) => context.skip(failure !== undefined, failure));

  it('shows refreshes of live traffic, ends by itself with a summary, and leaves nothing behind', async (context) => {
    const demo = await startDemo(context, '--seconds', '5');
    expect(await demo.ended, demo.output()).toBe(0);
    const output = demo.output();
    expect(output).toMatch(/psql postgres:\/\/app:\w+@127\.0\.0\.1:\d+\/demo/);
    // The summary over the same table is refreshed beside it: before, or after.
    expect(output).toMatch(/^traffic {2}\| 3 flights depart.*\n(?:.*Refreshed public\.daily_departures.*\n)?.*Refreshed public\.mv_dashboard concurrently in .*after public\.flights changed; \d+ rows? (replaced|added)/m);
    expect(output).toMatch(/Refreshed public\.mv_worst_airports concurrently in .*after the change that came through public\.mv_dashboard/);
    const summary = output.slice(output.indexOf('Summary of'));
    expect(summary).toMatch(/changes +\d+ statements \(\d+ rows\) committed; \d+ statements? \(\d+ rows?\) rolled back/);
    expect(summary).toMatch(/refreshes +public\.mv_dashboard +[1-9]\d* concurrent, 0 plain\n/);
    expect(summary).toMatch(/refreshes +public\.mv_worst_airports +[1-9]\d* concurrent, 0 plain\n/);
    expect(summary).toMatch(/refreshes +public\.daily_departures +[1-9]\d* merges?, \d+ repairs?\n/);
    expect(summary).toMatch(/freshness +public\.mv_dashboard +p50 \S+, p95 \S+, max \S+ from the first change to visible\n/);
    expect(summary).toMatch(/first event +\S+s after the start of the server/);
    expect(summary).toMatch(/agreement +public\.mv_dashboard +view and defining query agree \(\d+ rows\)\n/);
    expect(summary).toMatch(/agreement +public\.mv_worst_airports +view and defining query agree \(10 rows\)\n/);
    expect(summary).toMatch(/agreement +public\.daily_departures +summary and defining query agree \([\d,]+ rows\)\n/);
    expect(await demo.remains()).toEqual(nothing);
  });

  it('ends with the summary after Ctrl-C, which npm passes on besides, and leaves nothing behind', async (context) => {
    const demo = await startDemo(context);
    await demo.wrote('traffic  |');
    process.kill(-(demo.child.pid ?? NaN), 'SIGINT');
    demo.child.kill('SIGINT');
    expect(await demo.ended, demo.output()).toBe(0);
    expect(demo.output()).toMatch(/Stopped after .*\n\nSummary of (.*\n)+.*agree/);
    expect(await demo.remains()).toEqual(nothing);
  });

  it('leaves nothing behind when its terminal is closed', async (context) => {
    const demo = await startDemo(context);
    await demo.wrote('traffic  |');
    demo.child.kill('SIGHUP');
    expect(await demo.ended, demo.output()).toBe(130);
    expect(await demo.remains()).toEqual(nothing);
  });

  it('leaves nothing behind when it is killed', async (context) => {
    const demo = await startDemo(context);
    await demo.wrote('traffic  |');
    demo.child.kill('SIGKILL');
    await demo.ended;
    await vi.waitFor(async () => expect(await demo.remains()).toEqual(nothing), 5_000);
  });
});
