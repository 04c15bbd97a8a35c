import { describe, expect, it } from 'vitest';
import { CHANNEL, DoorbellScene } from './doorbell-scene.js';

const SOMEBODY_ELSES = 'canary:01234567-89ab-4cde-8f01-23456789abcd';

const scene = DoorbellScene.here();

describe('a doorbell that hears', () => {
  it('passes on rings, in order', async () => {
    const heard = await scene.hearing(scene.url);
    for (const payload of ['1', '2', '3']) await scene.ring(payload);
    expect([await heard.rings.next(), await heard.rings.next(), await heard.rings.next()]).toEqual(['1', '2', '3']);
  });

  it.each([
    ['not JSON', 'public.orders'],
    ['broken JSON', '{"source": '],
    ['quotes and backslashes', `'"\\';--$$ E'\\'`],
    ['a prototype', '__proto__'],
    ['nearly a canary', 'canary:'],
    ['nearly a canary, with more after it', `${SOMEBODY_ELSES}\n`],
    ['a letter of four bytes', '🔔'],
    ['as long as a payload can be', 'x'.repeat(7_999)],
  ])('passes on a payload that is %s', async (_, payload) => {
    await scene.expectRing(await scene.hearing(scene.url), payload);
  });

  it('passes on an empty payload as an empty string', async () => {
    const heard = await scene.hearing(scene.url);
    await scene.ring('');
    await scene.database.app.query(`NOTIFY ${CHANNEL}`);
    expect([await heard.rings.next(), await heard.rings.next()]).toEqual(['', '']);
  });

  it('is silent about canaries, its own and others', async () => {
    const heard = await scene.hearing(scene.url, { canaryMs: 10 });
    for (let i = 0; i < 20; i += 1) await scene.ring(SOMEBODY_ELSES);
    await scene.expectRing(heard, 'after the canaries');
    expect(heard.rings.all).toEqual(['after the canaries']);
    expect(heard.losses.all).toEqual([]);
  });

  it('is deaf to other channels', async () => {
    const heard = await scene.hearing(scene.url);
    await scene.database.app.query(`NOTIFY refresh_listener_2, 'elsewhere'`);
    await scene.expectRing(heard, 'here');
    expect(heard.rings.all).toEqual(['here']);
  });

  it('takes a channel whose name must be quoted', async () => {
    const heard = await scene.hearing(scene.url, { channel: `Odd "Name'; --` });
    await scene.database.app.query('SELECT pg_notify($1, $2)', [`Odd "Name'; --`, 'quoted']);
    expect(await heard.rings.next()).toBe('quoted');
  });

  it('is never inside a transaction', async () => {
    await scene.hearing(scene.url);
    const [pid] = await scene.sessions();
    const state = async () => {
      const { rows } = await scene.database.admin.query('SELECT state, xact_start FROM pg_stat_activity WHERE pid = $1', [pid]);
      return rows as unknown;
    };
    await expect.poll(state).toEqual([{ state: 'idle', xact_start: null }]);
  });

  it('gives way to an application_name of the connection', async () => {
    await scene.hearing(`${scene.url}?application_name=mine`);
    await scene.expectSessions(1, 'mine');
    await scene.expectSessions(0);
  });
});

