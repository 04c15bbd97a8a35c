import { expect, it } from 'vitest';
import { longestHoldMs } from '../../src/catalog/hold-register.js';
import { probeHolds } from '../../src/wake/log-look.js';
import { silence, TriggerScene, type WatchedSource } from '../catalog/trigger-scene.js';

const scene = TriggerScene.here();

async function remainingMs(source: WatchedSource): Promise<number | undefined> {
  return (await probeHolds(scene.own, [source])).get(source.id)?.remainingMs;
}

it('a silent source has the longest hold before it, each time it is asked', async () => {
  const source = await scene.table();
  await scene.setRegister('hold', source, { value: silence });
  expect([await remainingMs(source), await remainingMs(source)]).toEqual([longestHoldMs, longestHoldMs]);
});

it('a hold has what is left of it by the server\'s clock', async () => {
  const source = await scene.table();
  await scene.setRegister('hold', source, { inMs: 60_000 });
  const left = await remainingMs(source);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(60_000);
});

it('nothing is left of one that has passed, is unset or is missing', async () => {
  const [past, unset, missing] = [await scene.table(), await scene.table(), await scene.table()];
  await scene.setRegister('hold', past, { inMs: -1 });
  await scene.database.worker.query(`DROP SEQUENCE refresh_listener.hold_${missing.id}`);
  const probes = await probeHolds(scene.own, [past, unset, missing]);
  expect([past, unset, missing].map(({ id }) => probes.get(id)?.remainingMs)).toEqual([0, 0, 0]);
});
