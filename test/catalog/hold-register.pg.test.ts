import { describe, expect, it } from 'vitest';
import { clampHolds, setHold, silenceHolds, silenceUnsetHolds } from '../../src/catalog/hold-register.js';
import { largest, silence, TriggerScene, type WatchedSource } from './trigger-scene.js';

const scene = TriggerScene.here();

/** What a hold register holds; null: it is unset. */
async function valueOf(source: WatchedSource): Promise<string | null> {
  const { rows } = await scene.database.worker.query<{ value: string | null }>(
    'SELECT pg_catalog.pg_sequence_last_value($1::pg_catalog.regclass)::pg_catalog.text AS value', [`refresh_listener.hold_${source.id}`]);
  return rows[0]?.value ?? null;
}

/** How often one insert rings. */
async function ringsOnInsert(source: WatchedSource): Promise<number> {
  const before = await scene.rings(source);
  await scene.database.app.query(`INSERT INTO ${source.name} SELECT max(id) + 1 FROM ${source.name}`);
  return (await scene.rings(source)) - before;
}

describe('clampHolds', () => {
  it.each([
    ['a silent source', { value: silence }],
    ['one whose hold lies at the largest value', { value: largest }],
    ['one whose hold lies beyond the longest one', { inMs: 60_000 }],
  ])('wakes %s', async (_, register) => {
    const source = await scene.table();
    await scene.setRegister('hold', source, register);
    expect(await ringsOnInsert(source)).toBe(0);
    expect(await clampHolds(scene.own, [source.id])).toBe(1);
    expect(await ringsOnInsert(source)).toBe(1);
    expect(await clampHolds(scene.own, [source.id])).toBe(0);
  });

  it.each([
    ['a hold of a worker', { inMs: 900 }],
    ['one that has passed', { inMs: -1 }],
  ])('leaves %s alone', async (_, register) => {
    const source = await scene.table();
    await scene.setRegister('hold', source, register);
    const before = await valueOf(source);
    expect(await clampHolds(scene.own, [source.id])).toBe(0);
    expect(await valueOf(source)).toBe(before);
  });

  it('leaves an unset register alone, and passes over a missing one', async () => {
    const [unset, missing] = [await scene.table(), await scene.table()];
    await scene.database.worker.query(`DROP SEQUENCE refresh_listener.hold_${missing.id}`);
    expect(await clampHolds(scene.own, [unset.id, missing.id])).toBe(0);
    expect(await valueOf(unset)).toBeNull();
  });
});

describe('silence', () => {
  it('falls on whatever a register held, for good, until a hold is set', async () => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { inMs: -1 });
    await silenceHolds(scene.own, [source.id]);
    expect(await valueOf(source)).toBe(silence);
    expect([await ringsOnInsert(source), await ringsOnInsert(source)]).toEqual([0, 0]);
    await setHold(scene.own, [source.id], -1);
    expect(await ringsOnInsert(source)).toBe(1);
  });

  it('falls on unset registers alone where that is asked for', async () => {
    const [unset, past] = [await scene.table(), await scene.table()];
    await scene.setRegister('hold', past, { inMs: -1 });
    await silenceUnsetHolds(scene.own, [unset.id, past.id]);
    expect(await valueOf(unset)).toBe(silence);
    expect([await ringsOnInsert(unset), await ringsOnInsert(past)]).toEqual([0, 1]);
  });
});
