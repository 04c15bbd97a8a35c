import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startOwnServer } from '../support/own-server.js';
import { playHistory } from './play.js';
import { scenes } from './scenes.js';

const scene = scenes['by polling, with prepared transactions'];

for (const mode of ['fast', 'immediate'] as const) {
  it(`a history in which the server is restarted (${mode}) ends with every view as its query returns it`, { timeout: 90_000 }, async (context) => {
    if (scene === undefined) throw new Error('no such scene');
    const server = await startOwnServer(context);
    const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 1_000_000_000));
    const outcome = await playHistory(seed, {
      ...scene,
      history: { ...scene.history, disturbances: 0, actsPerWriter: 16, phases: 1 },
      worker: { ...scene.worker, sweepMs: 400 },
      quietAtTheEnd: mode === 'fast',
      catchUpMs: 20_000,
      adminUrl: server.url,
      restart: async () => {
        await pause(200 + (seed % 900));
        await server.restart(mode);
      },
    });
    console.log(`History ${seed}, restart ${mode}: ${outcome.commits} commits, ${outcome.refreshes} refreshes`);
    if (outcome.faults.length > 0) console.log(`HISTORY_SEED=${seed}\n${outcome.told}`);
    expect(outcome.faults).toEqual([]);
  });
}
