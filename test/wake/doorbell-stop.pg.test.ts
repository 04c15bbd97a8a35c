import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { DoorbellScene } from './doorbell-scene.js';

const scene = DoorbellScene.here();
let proxy: SilentProxy;

beforeAll(async () => {
  proxy = await startSilentProxy(scene.url);
});
afterEach(async () => {
  proxy.resume();
  await proxy.accept();
});
afterAll(() => proxy.close());

describe('a stop', () => {
  it('leaves no connection', async () => {
    const heard = await scene.hearing(scene.url, { canaryMs: 5 });
    await heard.bell.stop();
    expect(heard.openSockets).toBe(0);
    await scene.expectSessions(0);
    expect(heard.losses.all).toEqual([]);
  });

  it('is not needed between two starts: the second is the first', async () => {
    const made = scene.doorbell(scene.url);
    expect(await Promise.all([made.bell.start(), made.bell.start()])).toEqual(['hears', 'hears']);
    expect(await made.bell.start()).toBe('hears');
    expect(made.sockets).toHaveLength(1);
  });

  it('is harmless twice, at once and later, and before a start', async () => {
    const { bell } = scene.doorbell(scene.url);
    await bell.stop();
    expect(await bell.start()).toBe('hears');
    await Promise.all([bell.stop(), bell.stop()]);
    await bell.stop();
    await scene.expectSessions(0);
  });

  it('ends a start', async () => {
    const made = scene.doorbell(scene.url);
    const starting = made.bell.start();
    const stopping = made.bell.stop();
    await expect(starting).rejects.toThrow('the doorbell was stopped');
    await stopping;
    expect(made.openSockets).toBe(0);
    await scene.expectSessions(0);
  });

  it('ends a start that hangs on connecting', async () => {
    proxy.silence();
    const made = scene.doorbell(proxy.url(scene.url), { canaryTimeoutMs: 60_000 });
    const starting = made.bell.start();
    starting.catch(() => undefined); // looked at below; it rejects before that
    await expect.poll(() => made.sockets[0]?.readyState).toBe('open');
    await made.bell.stop();
    await expect(starting).rejects.toThrow('the doorbell was stopped');
    expect(made.openSockets).toBe(0);
  });

  it('during a reconnect that hangs leaves no connection', async () => {
    const heard = await scene.hearing(proxy.url(scene.url), { canaryTimeoutMs: 60_000 });
    proxy.silence();
    proxy.cut();
    await heard.losses.next();
    await expect.poll(() => heard.sockets[1]?.readyState).toBe('open');
    await heard.bell.stop();
    expect(heard.openSockets).toBe(0);
    proxy.resume();
    await scene.expectSessions(0);
    expect(heard.restores.all).toEqual([]);
  });

  it('at any moment of a reconnect leaves no connection', async () => {
    // Connecting, LISTEN and canary take a few turns of the event loop each: stop after every number of them.
    for (let turns = 0; turns < 60; turns += 1) {
      const heard = await scene.hearing(scene.url, { retryBaseMs: 1, retryMaxMs: 1 });
      await scene.terminate();
      await heard.losses.next();
      await expect.poll(() => heard.sockets.length, { interval: 1 }).toBeGreaterThan(1);
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await heard.bell.stop();
      expect(heard.openSockets).toBe(0);
    }
    await scene.expectSessions(0);
  });

  it('between attempts to reconnect does not wait for the next', async () => {
    const heard = await scene.hearing(proxy.url(scene.url), { retryBaseMs: 600_000, retryMaxMs: 600_000 });
    proxy.cut();
    await heard.losses.next();
    await heard.bell.stop();
    expect(heard.sockets).toHaveLength(1);
  });

  it('may be followed by a start at once', async () => {
    const { bell } = scene.doorbell(scene.url);
    for (let i = 0; i < 5; i += 1) {
      expect(await bell.start()).toBe('hears');
      void bell.stop();
    }
    await bell.stop();
    await scene.expectSessions(0);
  });

  it('among many concurrent starts and stops is complete', async () => {
    const made = scene.doorbell(scene.url, { canaryMs: 5 });
    const ends = new Set<string>();
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        for (let turn = 0; turn < (i * 7) % 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        if (i % 3 === 2) return made.bell.stop();
        try {
          ends.add(await made.bell.start());
        } catch (error) {
          ends.add((error as Error).message);
        }
      }),
    );
    await made.bell.stop();
    expect(made.openSockets).toBe(0);
    await scene.expectSessions(0);
    for (const end of ends) expect(['hears', 'cannot listen for notifications: the doorbell was stopped']).toContain(end);
  });
});
