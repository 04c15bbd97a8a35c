import { expect, it } from 'vitest';
import { largest, TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

const smallest = '-9223372036854775808';
const values = [smallest, '0', largest];
const combinations = values.flatMap((hold) => values.flatMap((log) => values.map((silence) => ({ hold, log, silence }))));

/** What is said of them, at values that lie before or after any time. */
function expected({ hold, log, silence }: (typeof combinations)[number]): { appended: number; rings: number } {
  if (hold === largest) return { appended: 1, rings: 0 };
  if (log !== largest) return { appended: 0, rings: 0 };
  return { appended: 1, rings: hold === '0' || silence === largest ? 0 : 1 };
}

it.each(combinations)('no register makes a statement fail, whatever it holds: %j', async (registers) => {
  const source = await scene.table();
  // Also below 0, as nobody sets them: a sequence can be altered.
  for (const [sequence, value] of [[`hold_${source.id}`, registers.hold], [`log_${source.id}`, registers.log], ['silence', registers.silence]] as const) {
    await scene.database.worker.query(`ALTER SEQUENCE refresh_listener.${sequence} MINVALUE ${smallest}; SELECT pg_catalog.setval('refresh_listener.${sequence}', ${value})`);
  }
  await scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
  expect({ appended: (await scene.operations(source)).length, rings: await scene.rings(source) }).toEqual(expected(registers));
});
