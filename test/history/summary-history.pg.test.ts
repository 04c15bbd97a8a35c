import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startOwnServer } from '../support/own-server.js';
import { playUsageHistory, type UsageOutcome, type UsageScene } from './play-usage.js';

/** The long form, `npm run test:history`, plays until the time is over; the short one plays each scene once. */
const minutes = Number(process.env.HISTORY_MINUTES ?? 0);
const givenSeed = process.env.HISTORY_SEED === undefined ? undefined : Number(process.env.HISTORY_SEED);
const isLong = minutes > 0;

const shortTimes = ['--debounce=20ms', '--max-wait=60ms', '--retry-base=20ms', '--retry-max=200ms', '--lock-timeout=5s'];
const rareSweeps = '--sweep=10m';
const history = { prepared: false, writers: 14, actsPerWriter: isLong ? 16 : 7, blows: isLong ? 4 : 2, phases: isLong ? [true, false, true] : [true, false] };
const base = { history, workers: 2, catchUpMs: 30_000 };

const scenes: Readonly<Record<string, UsageScene>> = {
  'by the bell': { ...base, workerArgs: [...shortTimes, rareSweeps] },
  'by polling, with prepared transactions': { ...base, history: { ...history, prepared: true }, workerArgs: [...shortTimes, rareSweeps, '--wake=poll'] },
  ...(isLong && {
    'with lapses': {
      ...base, history: { ...history, prepared: true, blows: 6 }, workerArgs: [...shortTimes, '--wake=poll', '--lapse=1s', '--sweep=1s'],
    },
    'repaired all the time': {
      ...base, history: { ...history, prepared: true }, workerArgs: [...shortTimes, '--wake=poll', '--sweep=1s', '--repair-every=1s'],
    },
  }),
};

const naive = { rows: 0, missed: 0 };

function report(name: string, outcome: UsageOutcome): string[] {
  const { seed, commits, prepared, refreshes, looks, blows, faults, told } = outcome;
  naive.rows += outcome.naive.rows;
  naive.missed += outcome.naive.missed;
  console.log(`Summary history ${seed}, ${name}: ${commits} commits, ${prepared} prepared, ${refreshes} absorbs, ${looks} looks meanwhile, naive follower missed ` +
    `${outcome.naive.missed} of ${outcome.naive.rows} rows, ${faults.length} faults; ${JSON.stringify(blows)}`);
  if (faults.length > 0) console.log(`HISTORY_SEED=${seed}\n${told}\n${faults.join('\n')}`);
  return faults.map((fault) => `HISTORY_SEED=${seed}: ${fault}`);
}

describe('random histories of many writers end with every summary as its query returns it', () => {
  // One of the shares is for the restarts.
  const shareMs = (minutes * 60_000) / (Object.keys(scenes).length + 1);
  async function hunt(name: string, play: (seed: number) => Promise<UsageOutcome>): Promise<void> {
    const until = performance.now() + shareMs;
    let seed = givenSeed ?? Math.floor(Math.random() * 1_000_000_000);
    const faults: string[] = [];
    do {
      faults.push(...report(name, await play(seed)));
      seed += 1;
    } while (performance.now() < until);
    expect(faults).toEqual([]);
  }

  for (const [name, scene] of Object.entries(scenes)) {
    it(name, { timeout: 120_000 + shareMs }, () => hunt(name, (seed) => playUsageHistory(seed, scene)));
  }

  it('with prepared transactions over restarts of the server', { timeout: 120_000 + shareMs }, async (context) => {
    const server = await startOwnServer(context);
    await hunt('restarts', (seed) => playUsageHistory(seed, {
      // A crash empties the log: what transactions that were prepared before it have changed is found by a sweep, once they have ended.
      ...base, adminUrl: server.url, workerArgs: [...shortTimes, '--sweep=2s', '--wake=poll'],
      history: { ...history, prepared: true, blows: 0, phases: isLong ? [true, true] : [true] },
      restart: {
        phases: [0, 1],
        once: async () => {
          await pause(300 + (seed % 700));
          await server.restart(seed % 2 === 0 ? 'fast' : 'immediate');
        },
      },
    }));
  });

  it('which make a follower of WHERE id > last ORDER BY id lose rows', () => {
    console.log(`The naive follower missed ${naive.missed} of ${naive.rows} rows`);
    expect(naive.missed).toBeGreaterThan(0);
  });
});
