import { describe, expect, it } from 'vitest';
import { largest, silence, TriggerScene, type Register, type WatchedSource } from './trigger-scene.js';

const scene = TriggerScene.here();

/** What one insert left behind. */
async function insertInto(source: WatchedSource): Promise<{ appended: number; rings: number }> {
  await scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
  return { appended: (await scene.operations(source)).length, rings: await scene.rings(source) };
}

describe('the registers of a source', () => {
  it('append and ring while they are unset, as after a crash', async () => {
    expect(await insertInto(await scene.table())).toEqual({ appended: 1, rings: 1 });
  });

  it.each<Register>(['log', 'hold'])('append and ring when the %s register is missing', async (register) => {
    const source = await scene.table();
    await scene.database.worker.query(`DROP SEQUENCE refresh_listener.${register}_${source.id}`);
    expect(await insertInto(source)).toEqual({ appended: 1, rings: 1 });
  });

  it.each<[string, Register, { inMs: number } | { value: string }, { appended: number; rings: number }]>([
    ['inside a hold: append, silently', 'hold', { inMs: 60_000 }, { appended: 1, rings: 0 }],
    ['past a hold: append and ring', 'hold', { inMs: -1 }, { appended: 1, rings: 1 }],
    ['at the beginning of time: append and ring', 'hold', { value: '1' }, { appended: 1, rings: 1 }],
    ['at 0: append, and never ring', 'hold', { value: silence }, { appended: 1, rings: 0 }],
    ['at the largest value: append, silently', 'hold', { value: largest }, { appended: 1, rings: 0 }],
    ['inside the lease: append and ring', 'log', { inMs: 60_000 }, { appended: 1, rings: 1 }],
    ['past the lapse: neither', 'log', { inMs: -1 }, { appended: 0, rings: 0 }],
    ['at the largest value: append', 'log', { value: largest }, { appended: 1, rings: 1 }],
  ])('%s', async (_, register, to, expected) => {
    const source = await scene.table();
    await scene.setRegister(register, source, to);
    expect(await insertInto(source)).toEqual(expected);
  });

  it('need not ask, inside a hold, whether the log has lapsed: a worker is there', async () => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { inMs: 60_000 });
    await scene.setRegister('log', source, { inMs: -1 });
    expect(await insertInto(source)).toEqual({ appended: 1, rings: 0 });
  });

  it.each([
    ['before the lapse', 60_000, 1],
    ['past the lapse', -1, 0],
  ])('do ask where the bell is silenced, as in polling mode, whose worker may be gone: %s', async (_, inMs, appended) => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { value: silence });
    await scene.setRegister('log', source, { inMs });
    expect(await insertInto(source)).toEqual({ appended, rings: 0 });
  });

  it('ring anew when a hold ends, with nothing to re-arm', async () => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { inMs: 60_000 });
    await insertInto(source);
    await scene.setRegister('hold', source, { inMs: -1 });
    await scene.database.app.query(`DELETE FROM ${source.name}`);
    expect(await scene.operations(source)).toBe('ID');
    expect(await scene.rings(source)).toBe(1);
  });

  it('count for their own source alone', async () => {
    const [held, lapsed, free] = [await scene.table(), await scene.table(), await scene.table()];
    await scene.setRegister('hold', held, { inMs: 60_000 });
    await scene.setRegister('log', lapsed, { inMs: -1 });
    expect(await insertInto(free)).toEqual({ appended: 1, rings: 1 });
    expect(await insertInto(held)).toEqual({ appended: 1, rings: 0 });
    expect(await insertInto(lapsed)).toEqual({ appended: 0, rings: 0 });
  });
});
