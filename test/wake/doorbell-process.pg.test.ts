import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { DoorbellScene } from './doorbell-scene.js';
import { Signals } from './signals.js';

const SCRIPT = fileURLToPath(new URL('doorbell-process.ts', import.meta.url));

const scene = DoorbellScene.here();
let proxy: SilentProxy;
let child: ChildProcess;

beforeAll(async () => {
  proxy = await startSilentProxy(scene.url);
});
afterEach(() => {
  child.kill('SIGKILL');
  proxy.resume();
});
afterAll(() => proxy.close());

/** Starts the process, and waits until its doorbell hears. */
async function started(): Promise<{ said: Signals<string>; stop: () => Promise<unknown[]> }> {
  const args = ['--import', 'tsx', SCRIPT, proxy.url(scene.url), scene.url];
  const own = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child = own;
  const said = new Signals<string>();
  createInterface(own.stdout).on('line', said.push);
  expect(await said.next()).toBe('hears');
  const closed = once(own, 'close');
  return {
    said,
    stop: () => {
      own.stdin.end('stop\n');
      return closed;
    },
  };
}

describe('a process with a doorbell', () => {
  it('ends by itself after a stop', async () => {
    const { said, stop } = await started();
    expect(await stop()).toEqual([0, null]);
    expect(await said.next()).toBe('stopped, left: ');
  });

  it('ends by itself after a stop during a reconnect that hangs', async () => {
    const { said, stop } = await started();
    const before = proxy.connectionCount;
    proxy.silence();
    proxy.cut();
    await expect.poll(() => proxy.connectionCount).toBeGreaterThan(before);
    expect(await stop()).toEqual([0, null]);
    expect(said.all.at(-1)).toBe('stopped, left: ');
  });

  it('sees what its callbacks throw as uncaught, while the doorbell goes on', async () => {
    const { said, stop } = await started();
    await scene.ring('throw');
    await scene.ring('next');
    expect([await said.next(), await said.next()]).toEqual(['uncaught: thrown by onRing', 'ring: next']);
    await scene.terminate();
    expect(await said.next()).toMatch(/^lost: /);
    expect(await said.next()).toBe('uncaught: thrown by onLost');
    expect([await said.next(), await said.next()]).toEqual(['restored', 'uncaught: thrown by onRestored']);
    await scene.ring('after');
    expect(await said.next()).toBe('ring: after');
    expect(await stop()).toEqual([0, null]);
  });
});
