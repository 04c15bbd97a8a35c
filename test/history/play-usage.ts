import { setTimeout as pause } from 'node:timers/promises';
import { sqlstateOf } from '../../src/database/sqlstate.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { caughtUp } from './catch-up.js';
import { NaiveFollower } from './naive-follower.js';
import { Player, told } from './player.js';
import { createUsage, openGaps, usageTables, wrongBetween, wrongSummaries } from './usage.js';
import { makeUsageHistory, type UsageSettings } from './usage-history.js';
import { UsageWorkers } from './usage-workers.js';

export interface UsageScene {
  readonly history: UsageSettings;
  readonly workers: number;
  readonly workerArgs: readonly string[];
  readonly catchUpMs: number;
  /** A server of the history's own, and what happens to it in the phases named by their number. */
  readonly adminUrl?: string;
  readonly restart?: { readonly phases: readonly number[]; readonly once: () => Promise<void> };
}

export interface UsageOutcome {
  readonly seed: number;
  readonly commits: number;
  readonly prepared: number;
  readonly refreshes: number;
  /** Where absorbs were struck. */
  readonly blows: Readonly<Record<string, number>>;
  /** What the naive follower never saw, of how many rows. */
  readonly naive: { readonly rows: number; readonly missed: number };
  /** How often a summary was compared while it was being written. */
  readonly looks: number;
  readonly faults: readonly string[];
  readonly told: string;
}

/** Plays the history of one seed in a database of its own. Faults are returned, not thrown: a hunt goes on to the next. */
export async function playUsageHistory(seed: number, scene: UsageScene): Promise<UsageOutcome> {
  const db = await createDatabase(scene.adminUrl);
  const workers = new UsageWorkers(db, scene.workerArgs);
  const player = new Player(db, scene.restart !== undefined);
  const faults: string[] = [];
  const naive = { rows: 0, missed: 0 };
  let looks = 0;
  try {
    await createUsage(db);
    const started = workers.start(scene.workers); // writers do not wait for it: the fill meets them
    for (const [index, phase] of makeUsageHistory(seed, scene.history).entries()) {
      const restarted = scene.restart?.phases.includes(index) === true;
      const beside = phase.adds && !restarted ? new NaiveFollower(db) : undefined;
      beside?.start();
      const over = new AbortController();
      const watched = watch(db, phase.adds && !restarted ? over.signal : AbortSignal.abort());
      let late: string | undefined;
      const wrong: string[] = [];
      try {
        await Promise.all([
          ...phase.acts.map((acts, writer) => player.play(writer, acts)),
          started.then(async () => {
            for (const blow of phase.blows) await workers.strike(blow);
          }),
          ...(restarted ? [scene.restart.once()] : []),
        ]);
        // A transaction that is prepared still holds its gaps, while all that came later is there.
        wrong.push(...(await nudge(db, workers, scene.catchUpMs)), ...(await wrongSummaries(db)).map((fault) => `with transactions prepared, ${fault}`));
        await player.resolveAll();
        late = await caughtUp(db, () => workers.present, { sweeps: false, limitMs: scene.catchUpMs });
      } finally {
        over.abort();
        const lost = await beside?.stop();
        naive.rows += lost?.rows ?? 0;
        naive.missed += lost?.missed ?? 0;
        looks += (await watched).looks;
      }
      const between = await watched;
      wrong.push(...(late === undefined ? [] : [late]), ...between.faults, ...(await wrongSummaries(db)));
      faults.push(...wrong.map((fault) => `phase ${index + 1}: ${fault}`));
      if (faults.length > 0) break;
    }
    if (faults.length === 0) faults.push(...(await leftGaps(db, workers, scene.catchUpMs)));
    faults.push(...player.unexpected.map((failure) => `a writer failed: ${failure}`));
    return {
      seed, commits: player.commits, prepared: player.log.filter(({ outcome }) => outcome === 'prepared').length, naive, looks, blows: workers.blows, faults,
      refreshes: workers.records.reduce((sum, record) => sum + record.of('refresh.done').length, 0),
      told: `${told(player.log)}\n${workers.failures.join('\n')}`,
    };
  } finally {
    await workers.stop();
    await db.drop();
  }
}

const lockTimeout = '55P03';

/** Compares the summaries again and again while they are being written, each time in one snapshot. */
async function watch(db: TestDatabase, until: AbortSignal): Promise<{ readonly looks: number; readonly faults: readonly string[] }> {
  const faults: string[] = [];
  let looks = 0;
  while (!until.aborted && faults.length === 0) {
    for (const table of usageTables) {
      // Undefined where a blow holds the lock of its point.
      const rows = await wrongBetween(db, table).catch((error: unknown) => {
        if (sqlstateOf(error) === lockTimeout) return undefined;
        throw error;
      });
      if (rows !== undefined) looks += 1;
      if (rows !== undefined && rows > 0) faults.push(`${table.summary}, while rows were only added, differed in ${rows} rows from what counted as absorbed`);
    }
    await pause(60);
  }
  return { looks, faults };
}

/** Absorbs with nobody writing: one finds that the last holders are gone, and the next drops the gap. */
const fewestRounds = 3;

/** @returns what kept them from catching up */
async function nudge(db: TestDatabase, workers: UsageWorkers, limitMs: number): Promise<string[]> {
  for (let round = 0; round < fewestRounds; round += 1) {
    for (const { source } of usageTables) await db.app.query(`INSERT INTO public.${source} (bytes) VALUES (${round})`);
    const late = await caughtUp(db, () => workers.present, { sweeps: false, limitMs });
    if (late !== undefined) return [late];
  }
  return [];
}

async function leftGaps(db: TestDatabase, workers: UsageWorkers, limitMs: number): Promise<string[]> {
  const late = await nudge(db, workers, limitMs);
  const gaps = await openGaps(db);
  return [...late, ...(gaps === 0 ? [] : [`${gaps} gaps are left, though nobody writes`]), ...(await wrongSummaries(db))];
}
