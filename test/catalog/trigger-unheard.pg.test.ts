import { describe, expect, it } from 'vitest';
import { TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

/** What one insert leaves behind when the log register ends in so many ms, and the bell is silent for so long before that. */
async function insertBeforeEnd(endsInMs: number, silenceMs: number): Promise<{ appended: number; rings: number }> {
  const source = await scene.table();
  await scene.database.worker.query("SELECT pg_catalog.setval('refresh_listener.silence', $1)", [silenceMs]);
  await scene.setRegister('log', source, { inMs: endsInMs });
  await scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
  return { appended: (await scene.operations(source)).length, rings: await scene.rings(source) };
}

describe('a source whose lease is over', () => {
  it('has its changes recorded, and nobody is rung for', async () => {
    expect(await insertBeforeEnd(1_800_000, 3_540_000)).toEqual({ appended: 1, rings: 0 });
  });

  it('still rings while the lease, or its grace, lasts', async () => {
    expect(await insertBeforeEnd(3_600_000, 3_540_000)).toEqual({ appended: 1, rings: 1 });
  });

  it('rings where a lapse is too short for silence', async () => {
    expect(await insertBeforeEnd(60_000, 0)).toEqual({ appended: 1, rings: 1 });
  });

  it('rings where the silence is missing, as whatever is missing makes it', async () => {
    const source = await scene.table();
    await scene.setRegister('log', source, { inMs: 1_800_000 });
    const writer = await scene.writer('admin');
    await writer.query(`BEGIN; DROP SEQUENCE refresh_listener.silence; INSERT INTO ${source.name} VALUES (3, 3); COMMIT`);
    expect(await scene.operations(source)).toBe('I');
    expect(await scene.rings(source)).toBe(1);
  });
});
