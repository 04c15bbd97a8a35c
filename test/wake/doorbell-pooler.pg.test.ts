import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DoorbellScene } from './doorbell-scene.js';
import { PgBouncer } from './pgbouncer.js';

const scene = DoorbellScene.here();

describe.skipIf(!PgBouncer.isInstalled())('a doorbell behind PgBouncer', () => {
  let bouncer: PgBouncer;
  beforeAll(async () => {
    bouncer = await PgBouncer.start(scene.url);
  });
  afterAll(() => bouncer.stop());

  // The first is the usual mistake: both URLs lead to the pooler.
  it.each([['the same pooler'], ['the direct way']])('in transaction mode is deaf to %s, and has stopped itself', async (ringer) => {
    const connectionString = ringer === 'the direct way' ? scene.url : bouncer.url('transaction');
    const made = scene.doorbell(bouncer.url('transaction'), { ringer: { connectionString }, canaryTimeoutMs: 1_500 });
    expect(await made.bell.start()).toBe('deaf');
    expect(made.openSockets).toBe(0);
    expect(made.losses.all).toEqual([]);
  });

  it('in session mode hears', async () => {
    const made = await scene.hearing(bouncer.url('session'));
    await scene.expectRing(made, 'through a session');
  });
});
