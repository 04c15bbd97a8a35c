import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertEvent } from '../../src/report/alert.js';
import { AlertSender, type AlertSenderOptions } from '../../src/report/alert-sender.js';
import { Webhook } from '../support/webhook.js';

function missed(view: string): AlertEvent {
  return { event: 'freshness.missed', view, stalenessMs: 72_000, targetMs: 60_000, because: null };
}

function restored(view: string): AlertEvent {
  return { event: 'freshness.restored', view, missedForMs: 12_000, because: 'refreshed' };
}

interface Told {
  readonly sender: AlertSender;
  readonly told: string[];
  /** Resolves with the next thing told. */
  readonly next: () => Promise<string>;
}

function sender(url: string, options: Partial<AlertSenderOptions> = {}): Told {
  const told: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const tell = (line: string): void => {
    told.push(line);
    for (const resolve of waiting.splice(0)) resolve(line);
  };
  const made = new AlertSender({
    url, attemptMs: 5_000, retryBaseMs: 20, retryMaxMs: 50,
    onFailed: (error, queued) => tell(`failed: ${error}, ${queued} queued`),
    onRestored: () => tell('restored'),
    ...options,
  });
  onTestFinished(() => made.stop(0));
  return { sender: made, told, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

const viewsOf = ({ posts }: Webhook): unknown[] => posts.map(({ body }) => body.view);

describe('alerts', () => {
  it('are posted as JSON, one after another, on a connection that is not kept', async () => {
    const webhook = await Webhook.start();
    const { sender: alerts, told } = sender(webhook.url);
    alerts.database = 'app';
    alerts.tell(missed('a'));
    alerts.tell(missed('b'));
    await webhook.until(() => webhook.posts.length === 2);
    expect(viewsOf(webhook)).toEqual(['a', 'b']);
    expect(webhook.posts[0]).toMatchObject({
      path: '/services/SECRET?token=SECRET', headers: { 'content-type': 'application/json' },
      body: { event: 'freshness.missed', database: 'app', text: '[app] a has been stale for 1m 12s, over its freshness target of 1m.' },
    });
    await alerts.stop(5_000);
    await expect.poll(() => webhook.open).toBe(0);
    expect(told).toEqual([]);
  });

  it('send a name and a password in the URL as authorization', async () => {
    const webhook = await Webhook.start();
    sender(webhook.url.replace('http://', 'http://me:p%40ss@')).sender.tell(missed('a'));
    const { headers } = await webhook.next(() => true);
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  it('are tried again, and what waits is the newest state of each view', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 503;
    const { sender: alerts, told, next } = sender(webhook.url);
    const failed = next();
    alerts.tell(missed('a'));
    alerts.tell(missed('b'));
    expect(await failed).toBe('failed: it answered 503, 2 queued');
    alerts.tell(restored('a'));
    await webhook.until(() => webhook.posts.length >= 4);
    const back = next();
    const from = webhook.posts.length;
    webhook.answer = 200;
    expect(await back).toBe('restored');
    await alerts.stop(5_000);
    const [, ...delivered] = webhook.posts.slice(from - 1).map(({ body }) => `${String(body.event)} ${String(body.view)}`);
    expect([...new Set(delivered)]).toEqual(['freshness.missed b', 'freshness.restored a']);
    expect(told).toEqual(['failed: it answered 503, 2 queued', 'restored']);
  });

  it('wait longer after each failure', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 500;
    sender(webhook.url, { retryBaseMs: 40, retryMaxMs: 10_000 }).sender.tell(missed('a'));
    await webhook.until(() => webhook.posts.length === 4);
    const times = webhook.posts.map(({ at }) => at);
    const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    // From 40, 80 and 160 ms to twice as long.
    waits.forEach((wait, index) => expect(wait).toBeGreaterThanOrEqual(39 * 2 ** index));
  });

  it('that are refused for good are told of and dropped, and the next ones are posted', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 404;
    const { sender: alerts, told, next } = sender(webhook.url);
    const failed = next();
    alerts.tell(missed('a'));
    expect(await failed).toBe('failed: it answered 404, 0 queued');
    webhook.answer = 200;
    alerts.tell(missed('b'));
    await webhook.next(({ view }) => view === 'b');
    await alerts.stop(5_000);
    expect(viewsOf(webhook)).toEqual(['a', 'b']);
    expect(told).toEqual(['failed: it answered 404, 0 queued', 'restored']);
  });

  it('follow no redirect', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 302;
    const { sender: alerts, next } = sender(webhook.url);
    const failed = next();
    alerts.tell(missed('a'));
    expect(await failed).toBe('failed: it answered 302, 0 queued');
    expect(webhook.posts).toHaveLength(1);
  });

  it('do not wait for ever for an answer', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 'hang';
    const { sender: alerts, next } = sender(webhook.url, { attemptMs: 50 });
    const failed = next();
    alerts.tell(missed('a'));
    expect(await failed).toBe('failed: it did not answer within 50ms, 1 queued');
    const back = next();
    webhook.answer = 200;
    expect(await back).toBe('restored');
  });

  it('name no part of the URL when nobody is there', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const { sender: alerts, next } = sender(`http://127.0.0.1:${port}/SECRET`);
    const failed = next();
    alerts.tell(missed('a'));
    expect(await failed).toBe('failed: it cannot be reached (ECONNREFUSED), 1 queued');
  });

  it('that wait are no more than so many, and the oldest go first', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 503;
    const { sender: alerts, next } = sender(webhook.url, { retryBaseMs: 60_000, retryMaxMs: 60_000 });
    const failed = next();
    alerts.tell(missed('first'));
    await failed;
    for (let number = 0; number < 1_001; number += 1) alerts.tell(missed(`view ${number}`));
    webhook.answer = 200;
    await alerts.stop(20_000);
    const [, ...delivered] = viewsOf(webhook);
    expect(delivered).toHaveLength(1_000);
    expect(delivered[0]).toBe('view 1');
  });
});

describe('a stop', () => {
  it('posts what is queued, without waiting for the end of a back-off', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 503;
    const { sender: alerts, next } = sender(webhook.url, { retryBaseMs: 60_000, retryMaxMs: 60_000 });
    const failed = next();
    alerts.tell(missed('a'));
    alerts.tell(missed('b'));
    await failed;
    webhook.answer = 200;
    await alerts.stop(20_000);
    expect(viewsOf(webhook)).toEqual(['a', 'a', 'b']);
    alerts.tell(missed('c'));
    await alerts.stop(0);
    expect(webhook.posts).toHaveLength(3);
  });

  it('gives up in time on a webhook that hangs', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 'hang';
    const { sender: alerts, told } = sender(webhook.url, { attemptMs: 60_000 });
    alerts.tell(missed('a'));
    await webhook.until(() => webhook.posts.length === 1);
    await alerts.stop(50);
    expect(told).toEqual([]);
    await expect.poll(() => webhook.open).toBe(0);
  });

  it('is harmless twice, and where nothing was ever told', async () => {
    const { sender: alerts } = sender('http://127.0.0.1:9/');
    await Promise.all([alerts.stop(1_000), alerts.stop(1_000)]);
    await expect(alerts.stop(1_000)).resolves.toBeUndefined();
  });
});
