import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../src/config/config.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { caughtUp } from './catch-up.js';
import { Followers } from './followers.js';
import { makeHistory, type HistorySettings } from './history.js';
import { Player, told } from './player.js';
import { createShop, differences } from './shop.js';

/** One way of playing histories. */
export interface Scene {
  readonly history: HistorySettings;
  readonly worker: Partial<Config>;
  readonly allowlists: readonly (readonly string[])[];
  readonly workerOwnsTables: boolean;
  /** Whether a view must stay unrefreshed once all has been absorbed. */
  readonly quietAtTheEnd: boolean;
  readonly catchUpMs: number;
  /** Beside the workers: told of the database before anything is written. */
  readonly beside?: (db: TestDatabase) => Promise<void>;
  /** When all has been compared, and the database is still there. */
  readonly atTheEnd?: () => Promise<void>;
  /** A server of the history's own. */
  readonly adminUrl?: string;
  /** What happens to that server in each phase; connections may be lost then. */
  readonly restart?: () => Promise<void>;
}

/** What one history came to. */
export interface Outcome {
  readonly seed: number;
  readonly acts: number;
  readonly commits: number;
  readonly refreshes: number;
  /** Everything that is wrong; empty when all is well. */
  readonly faults: readonly string[];
  /** What was played, to be printed with the faults. */
  readonly told: string;
}

/** Plays the history of one seed in a database of its own. Faults are returned, not thrown: a hunt goes on to the next. */
export async function playHistory(seed: number, scene: Scene): Promise<Outcome> {
  const db = await createDatabase(scene.adminUrl);
  const followers = new Followers(db, scene.allowlists, scene.worker);
  const player = new Player(db, scene.restart !== undefined);
  const faults: string[] = [];
  try {
    await createShop(db, scene.workerOwnsTables);
    await scene.beside?.(db);
    await followers.start();
    for (const [index, phase] of makeHistory(seed, scene.history).entries()) {
      await Promise.all([
        ...phase.acts.map((acts, writer) => player.play(writer, acts)),
        disturbAll(followers, phase.disturbances),
        scene.restart?.(),
      ]);
      await player.resolveAll();
      faults.push(...(await faultsAtRest(db, followers, scene)).map((fault) => `phase ${index + 1}: ${fault}`));
      if (faults.length > 0) break;
    }
    if (scene.quietAtTheEnd && faults.length === 0) faults.push(...(await unrest(followers, sweeps(scene))));
    await scene.atTheEnd?.();
    faults.push(...player.unexpected.map((failure) => `a writer failed: ${failure}`));
    return {
      seed, faults, acts: player.log.length, commits: player.commits, refreshes: followers.refreshes, told: told(player.log),
    };
  } finally {
    await followers.stop();
    await db.drop();
  }
}

/** One after another: two of them at once could take a worker away that is just being started. */
async function disturbAll(followers: Followers, disturbances: readonly Parameters<Followers['disturb']>[0][]): Promise<void> {
  for (const disturbance of disturbances) await followers.disturb(disturbance);
}

/** Whether workers sweep within the time of a history, and come to rest: below the margin, every sweep finds a lapse. */
function sweeps({ worker }: Scene): boolean {
  return (worker.sweepMs ?? Infinity) < 10_000 && worker.lapseMs === undefined;
}

async function faultsAtRest(db: TestDatabase, followers: Followers, scene: Scene): Promise<string[]> {
  const late = await caughtUp(db, () => followers.present, { sweeps: sweeps(scene), limitMs: scene.catchUpMs });
  const wrong = Object.entries(await differences(db)).map(([view, rows]) => `${view} differs in ${rows} rows`);
  return late === undefined ? wrong : [late, ...wrong];
}

const quietSweeps = 3;
/** Longer than any debounce, hold and pace after a short transaction; for workers that do not sweep. */
const quietMs = 1_000;

/** Nothing changes any more: several sweeps later nothing has been refreshed. */
async function unrest(followers: Followers, sweeps: boolean): Promise<string[]> {
  const before = followers.refreshes;
  if (!sweeps) await pause(quietMs);
  else {
    await Promise.all(followers.present.map(async (record) => {
      for (let sweep = 0, from = record.mark; sweep < quietSweeps; sweep += 1, from = record.mark) await record.next('sweep.done', () => true, from);
    }));
  }
  const refreshed = followers.refreshes - before;
  return refreshed === 0 ? [] : [`${refreshed} refreshes after everything had been absorbed`];
}
