import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DoorbellScene } from './doorbell-scene.js';
import { errorMessage, QueryProxy, type Verdict } from './query-proxy.js';

const scene = DoorbellScene.here();

describe('a connection that comes back wrong', () => {
  let queries: QueryProxy;

  beforeAll(async () => {
    const { hostname, port } = new URL(scene.url);
    queries = await QueryProxy.open(hostname, Number(port));
  });
  afterEach(() => {
    queries.verdict = () => 'pass';
  });
  afterAll(() => queries.close());

  it.each<[string, 'LISTEN' | 'NOTIFY', Verdict, string]>([
    ['its LISTEN refused', 'LISTEN', 'refuse', 'refused by the test'],
    ['its LISTEN unanswered', 'LISTEN', 'swallow', 'no answer to LISTEN within 1500 ms'],
    ['its LISTEN without effect', 'LISTEN', 'pretend', 'no echo of a canary within 1500 ms'],
    ['its canary refused', 'NOTIFY', 'refuse', 'refused by the test'],
    ['its canary unanswered', 'NOTIFY', 'swallow', 'no answer to NOTIFY within 1500 ms'],
  ])('with %s is given up for the next', async (_, command, verdict, reason) => {
    const heard = await scene.hearing(scene.urlBy(queries.port), { canaryTimeoutMs: 1_500 });
    let wrong = true;
    queries.verdict = (sql) => {
      if (!wrong || !sql.startsWith(command)) return 'pass';
      wrong = false;
      return verdict;
    };
    await scene.terminate();
    await heard.losses.next();
    expect(await heard.retries.next()).toBe(reason);
    await heard.restores.next();
    await scene.expectRing(heard, 'right');
    expect(heard.retries.all).toHaveLength(1);
    expect(heard.restores.all).toHaveLength(1);
    await scene.expectSessions(1);
  });

  it('while it listens, with a canary that is answered and does not arrive, is given up', async () => {
    const heard = await scene.hearing(scene.urlBy(queries.port), { canaryMs: 50, canaryTimeoutMs: 1_500 });
    let lost = false;
    queries.verdict = (sql) => {
      if (lost || !sql.startsWith('NOTIFY')) return 'pass';
      lost = true;
      return 'pretend';
    };
    expect(await heard.losses.next()).toBe('no echo of a canary within 1500 ms');
    await heard.restores.next();
    await scene.expectRing(heard, 'again');
  });

  it('rejects a start whose LISTEN is refused', async () => {
    queries.verdict = (sql) => (sql.startsWith('LISTEN') ? 'refuse' : 'pass');
    const { bell } = scene.doorbell(scene.urlBy(queries.port));
    await expect(bell.start()).rejects.toThrow('cannot listen for notifications: refused by the test');
    await scene.expectSessions(0);
  });

  it('is deaf at a start whose LISTEN has no effect', async () => {
    queries.verdict = (sql) => (sql.startsWith('LISTEN') ? 'pretend' : 'pass');
    const made = scene.doorbell(scene.urlBy(queries.port), { canaryTimeoutMs: 1_500 });
    expect(await made.bell.start()).toBe('deaf');
    expect(made.openSockets).toBe(0);
    await scene.expectSessions(0);
  });

  it('survives errors that go on after the first one', async () => {
    const heard = await scene.hearing(scene.urlBy(queries.port));
    // In one piece, so that all are read before anything else happens. An uncaught exception fails the test run.
    queries.inject(Buffer.concat(Array.from({ length: 5 }, (_, i) => errorMessage('FATAL', '57P01', `last word ${i}`))));
    expect(await heard.losses.next()).toBe('last word 0');
    await heard.restores.next();
    await scene.expectRing(heard, 'again');
    expect(heard.losses.all).toHaveLength(1);
  });

  it.each<[string, 'LISTEN' | 'NOTIFY']>([
    ['LISTEN', 'LISTEN'],
    ['first canary', 'NOTIFY'],
  ])('leaves nothing when it is stopped in its %s', async (_, command) => {
    const heard = await scene.hearing(scene.urlBy(queries.port));
    const reached = new Promise<void>((resolve) => {
      queries.verdict = (sql) => {
        if (!sql.startsWith(command)) return 'pass';
        resolve();
        return 'swallow';
      };
    });
    await scene.terminate();
    await reached;
    await heard.bell.stop();
    expect(heard.openSockets).toBe(0);
    await scene.expectSessions(0);
    expect(heard.restores.all).toEqual([]);
  });
});

