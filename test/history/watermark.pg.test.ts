import { expect, it } from 'vitest';
import { playHistory } from './play.js';
import { scenes } from './scenes.js';
import { Watermarks } from './watermark.js';

it('a history has the power to make every naive watermark miss changes, and none that the snapshot rule misses', { timeout: 90_000 }, async () => {
  const scene = scenes['by the bell alone'];
  if (scene === undefined) throw new Error('no such scene');
  let watermarks: Watermarks | undefined;
  const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 1_000_000_000));
  const outcome = await playHistory(seed, {
    ...scene,
    beside: async (db) => {
      watermarks = new Watermarks(db);
      await watermarks.start();
    },
    atTheEnd: async () => {
      const result = await watermarks?.stop();
      console.log(`History ${seed}: ${JSON.stringify(result)}`);
      expect(result?.missed.snapshot).toBe(0);
      expect(result?.missed.transaction).toBeGreaterThan(0);
      expect(result?.missed.time).toBeGreaterThan(0);
      expect(result?.missed.number).toBeGreaterThan(0);
    },
  });
  expect(outcome.faults).toEqual([]);
});
