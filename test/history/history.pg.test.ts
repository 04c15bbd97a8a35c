import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { playHistory, type Outcome } from './play.js';
import { scenes } from './scenes.js';

/** The long form, `npm run test:history`, plays until the time is over; the short one plays each scene once. */
const minutes = Number(process.env.HISTORY_MINUTES ?? 0);
const givenSeed = process.env.HISTORY_SEED === undefined ? undefined : Number(process.env.HISTORY_SEED);

function report(name: string, { seed, acts, commits, refreshes, faults, told }: Outcome): void {
  console.log(`History ${seed}, ${name}: ${acts} acts, ${commits} commits, ${refreshes} refreshes, ${faults.length} faults`);
  if (faults.length > 0) console.log(`HISTORY_SEED=${seed}\n${told}\n${faults.join('\n')}`);
}

describe('random histories of many writers end with every view as its query returns it', () => {
  const names = Object.keys(scenes);
  const shareMs = (minutes * 60_000) / names.length;
  for (const [name, scene] of Object.entries(scenes)) {
    it(name, { timeout: 60_000 + shareMs }, async () => {
      const until = performance.now() + shareMs;
      let seed = givenSeed ?? Math.floor(Math.random() * 1_000_000_000);
      const faults: string[] = [];
      do {
        const outcome = await playHistory(seed, scene);
        report(name, outcome);
        faults.push(...outcome.faults.map((fault) => `HISTORY_SEED=${seed}: ${fault}`));
        seed += 1;
      } while (performance.now() < until);
      expect(faults).toEqual([]);
    });
  }
});
