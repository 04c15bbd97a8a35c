import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database.js';
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

describe('a start', () => {
  it('leaves one connection: the one that rang is closed', async () => {
    await scene.hearing(scene.url);
    await scene.expectSessions(1);
    await scene.expectSessions(0, 'ringer');
  });
});

describe('a start that fails', () => {
  it('rejects, with the reason, when the server refuses the login', async () => {
    const url = new URL(scene.url);
    url.password = 'wrong';
    url.username = `${scene.database.roles.worker}_nobody`;
    const { bell } = scene.doorbell(url.href);
    await expect(bell.start()).rejects.toThrow(/^cannot listen for notifications: .*_nobody/);
  });

  it('rejects, with the reason, when nobody listens there', async () => {
    proxy.refuse();
    const { bell } = scene.doorbell(proxy.url(scene.url));
    await expect(bell.start()).rejects.toThrow(/ECONNREFUSED/);
  });

  it('rejects when the other side accepts and says nothing', async () => {
    proxy.silence();
    const { bell } = scene.doorbell(proxy.url(scene.url), { canaryTimeoutMs: 200 });
    await expect(bell.start()).rejects.toThrow('no connection within 200 ms');
  });

  it('may be tried again', async () => {
    proxy.refuse();
    const tried = scene.doorbell(proxy.url(scene.url));
    await expect(tried.bell.start()).rejects.toThrow();
    await proxy.accept();
    expect(await tried.bell.start()).toBe('hears');
    await scene.expectRing(tried, 'at last');
  });

  it('may be tried again in the very moment that it fails', async () => {
    proxy.refuse();
    const { bell } = scene.doorbell(proxy.url(scene.url));
    const first = bell.start();
    let second: Promise<'hears' | 'deaf'> | undefined;
    await expect(first.catch(() => (second = bell.start()))).rejects.toThrow(/ECONNREFUSED/);
    expect(second).not.toBe(first);
  });

  it('is deaf when the listen URL leads to another database than the one that is rung in', async () => {
    const other = await createDatabase();
    try {
      const made = scene.doorbell(scene.url, { ringer: { connectionString: other.url('worker') }, canaryTimeoutMs: 1_500 });
      expect(await made.bell.start()).toBe('deaf');
      expect(made.openSockets).toBe(0);
      await scene.expectSessions(0);
    } finally {
      await other.drop();
    }
  });
});

