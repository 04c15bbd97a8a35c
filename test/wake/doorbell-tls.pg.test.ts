import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.js';
import { DoorbellScene } from './doorbell-scene.js';
import { selfSignedIdentity, TlsProxy } from './tls-proxy.js';

const scene = DoorbellScene.here();

describe('a doorbell over TLS', () => {
  let tls: TlsProxy;
  let silent: SilentProxy;
  beforeAll(async () => {
    const { hostname, port } = new URL(scene.url);
    tls = await TlsProxy.open(hostname, Number(port), await selfSignedIdentity());
    silent = await startSilentProxy(scene.urlBy(tls.port));
  });
  afterEach(() => silent.resume());
  afterAll(async () => {
    silent.close();
    await tls.close();
  });

  const trusting = () => ({ connectionString: silent.url(scene.url), ssl: { rejectUnauthorized: false } });

  it('hears, knows why it was lost, and comes back', async () => {
    const heard = await scene.hearing(trusting());
    await scene.expectRing(heard, 'secret');
    await scene.terminate();
    expect(await heard.losses.next()).toBe('terminating connection due to administrator command');
    await heard.restores.next();
    await scene.expectRing(heard, 'again');
    expect(heard.losses.all).toHaveLength(1);
  });

  it('notices a half-open connection, and leaves no socket when stopped in the handshake of the next', async () => {
    const heard = await scene.hearing(trusting(), { canaryMs: 100, canaryTimeoutMs: 1_500 });
    silent.silence();
    expect(await heard.losses.next()).toBe('no answer to NOTIFY within 1500 ms');
    await expect.poll(() => heard.sockets[1]?.readyState).toBe('open');
    await heard.bell.stop();
    expect(heard.openSockets).toBe(0);
  });

  it('survives a connection that is cut', async () => {
    const heard = await scene.hearing(trusting());
    silent.cut();
    await heard.losses.next();
    await heard.restores.next();
    await scene.expectRing(heard, 'again');
    expect(heard.losses.all).toHaveLength(1);
  });

  it('rejects a start with the reason when it does not trust the certificate', async () => {
    const made = scene.doorbell({ connectionString: silent.url(scene.url), ssl: true });
    await expect(made.bell.start()).rejects.toThrow('cannot listen for notifications: self-signed certificate');
    expect(made.openSockets).toBe(0);
  });
});
