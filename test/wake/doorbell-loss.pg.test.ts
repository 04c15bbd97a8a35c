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

describe('a lost connection', () => {
  it('is noticed at once when the server ends it, told once with what the server said, and restored once', async () => {
    // The canary comes after a minute only: it is not what notices.
    const heard = await scene.hearing(scene.url);
    await scene.terminate();
    expect(await heard.losses.next()).toBe('terminating connection due to administrator command');
    expect(await heard.restores.next()).toBeGreaterThan(0);
    await scene.expectRing(heard, 'again');
    expect(heard.losses.all).toHaveLength(1);
    expect(heard.restores.all).toHaveLength(1);
    expect(heard.openSockets).toBe(1);
  });

  it('is noticed at once when the socket closes without a word', async () => {
    const heard = await scene.hearing(proxy.url(scene.url));
    proxy.cut();
    expect(await heard.losses.next()).toMatch(/closed by the other side|ECONNRESET/);
    await heard.restores.next();
    await scene.expectRing(heard, 'again');
  });

  it('is restored again and again', async () => {
    const heard = await scene.hearing(scene.url);
    for (let i = 1; i <= 5; i += 1) {
      await scene.terminate();
      await heard.losses.next();
      await heard.restores.next();
      await scene.expectRing(heard, `after loss ${i}`);
    }
    expect(heard.losses.all).toHaveLength(5);
    expect(heard.restores.all).toHaveLength(5);
    await scene.expectSessions(1);
  });

  it('is restored after longer than the three seconds in which pg-listen gives up', async () => {
    const heard = await scene.hearing(proxy.url(scene.url));
    proxy.refuse();
    proxy.cut();
    await heard.losses.next();
    const lostAt = performance.now();
    while (performance.now() - lostAt < 3_500) expect(await heard.retries.next()).toMatch(/ECONNREFUSED/);
    await proxy.accept();
    expect(await heard.restores.next()).toBeGreaterThanOrEqual(3_500);
    await scene.expectRing(heard, 'after a long time');
    expect(heard.losses.all).toHaveLength(1);
  });

  it('is noticed by the canary when it is half-open, and restored over a new one', async () => {
    const heard = await scene.hearing(proxy.url(scene.url), { canaryMs: 300, canaryTimeoutMs: 1_500 });
    proxy.silence();
    const silentAt = performance.now();
    expect(await heard.losses.next()).toBe('no answer to NOTIFY within 1500 ms');
    expect(performance.now() - silentAt).toBeLessThan(300 + 1_500 + 1_000);
    // In the silence new connections hang as well.
    expect(await heard.retries.next()).toBe('no connection within 1500 ms');
    proxy.resume();
    await heard.restores.next();
    await scene.expectRing(heard, 'through the new one');
    expect(heard.openSockets).toBe(1);
  });

  it('may be stopped in the callback that tells it', async () => {
    const heard = await scene.hearing(scene.url, {
      onLost: (reason) => {
        heard.losses.push(reason);
        void heard.bell.stop();
      },
    });
    await scene.terminate();
    await heard.losses.next();
    await heard.bell.stop();
    expect(heard.restores.all).toEqual([]);
    await scene.expectSessions(0);
  });
});

