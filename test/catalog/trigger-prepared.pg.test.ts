import { describe, expect, it } from 'vitest';
import { silence, TriggerScene, type WatchedSource } from './trigger-scene.js';

const scene = TriggerScene.here();

async function prepare(source: WatchedSource): Promise<void> {
  const writer = await scene.writer();
  await writer.query(`BEGIN; INSERT INTO ${source.name} VALUES (3, 3)`);
  await writer.query(`PREPARE TRANSACTION 'source ${source.id}'`);
}

describe('a prepared transaction', () => {
  it('cannot be prepared while the bell is live: the known limit, for which polling mode exists', async () => {
    const source = await scene.table();
    await expect(prepare(source)).rejects.toThrow('cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY');
    expect(await scene.operations(source)).toBe('');
  });

  it('is written down in polling mode, and shows in the log when it commits', async () => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { value: silence });
    await prepare(source);
    expect(await scene.operations(source)).toBe('');
    await scene.database.app.query(`COMMIT PREPARED 'source ${source.id}'`);
    expect(await scene.operations(source)).toBe('I');
    expect(await scene.rings(source)).toBe(0);
  });

  it('can be prepared inside a hold', async () => {
    const source = await scene.table();
    await scene.setRegister('hold', source, { inMs: 60_000 });
    await prepare(source);
    await scene.database.app.query(`ROLLBACK PREPARED 'source ${source.id}'`);
    expect(await scene.operations(source)).toBe('');
  });
});
