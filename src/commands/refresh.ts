import { setTimeout as pause } from 'node:timers/promises';
import type { ServedGraph, ServedView } from '../catalog/graph.js';
import { findRegistered, readRegisteredGraph } from '../catalog/registered-graph.js';
import { probeServerSettings, readServerFacts } from '../catalog/server.js';
import { settingsOf } from '../config/view-settings.js';
import type { Database } from '../database/database.js';
import { absorb } from '../freshen/absorb.js';
import { isStuck, isWhole, type Absorbed, type AbsorbOptions, type Skipped } from '../freshen/absorption.js';
import { CursorMoved } from '../freshen/cursor.js';
import { NameMoved } from '../freshen/refresh.js';
import { ancestorsOf } from '../freshen/turn.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { withServer } from './opened.js';
import { RefreshScreen } from './refresh-screen.js';

export const refreshCommand: Command = {
  name: 'refresh',
  summary: 'Refresh views now, if anything has changed',
  names: { required: true, many: true, description: 'Names of views, or patterns' },
  viewsOptional: true,
  options: [...connectionOptions, 'lock-timeout', 'refresh-timeout', 'force', 'json'],
  examples: [
    ['listener refresh mv_dashboard', 'with what it reads, if that is stale'],
    ['listener refresh mv_dashboard --force', 'changed or not'],
  ],
  run: refreshByHand,
};

const lookAgainMs = 500;

/** Absorbs the named views, each after its upstream views; waits for whoever is at it already. */
async function refreshByHand({ config, names, isSet }: Invocation): Promise<number> {
  return withServer(config, async (database) => {
    database.useServerSettings(await probeServerSettings(database, await readServerFacts(database)));
    const graph = await readRegisteredGraph(database);
    const wanted = await findRegistered(database, graph, names);
    const screen = new RefreshScreen(isSet('json'));
    let status = 0;
    try {
      for (const view of inOrder(graph, wanted)) {
        const isWanted = wanted.includes(view);
        const absorbOnce = (): Promise<Absorbed | Skipped> => absorbWhenFree(database, view, {
          ...settingsOf(config, view), force: isSet('force') && isWanted,
          onWait: () => screen.wait(view.name), onBatch: (progress) => screen.batch(view.name, progress),
        });
        let outcome = await absorbOnce();
        // A summary with much to do tells how far it has come. One that cannot go on waits for transactions that may be open for long.
        for (; outcome.outcome === 'absorbed' && !isWhole(outcome) && !isStuck(outcome); outcome = await absorbOnce()) screen.part(view.name, outcome);
        if (outcome.outcome === 'absorbed' && isStuck(outcome)) status = 1;
        if (isWanted || outcome.outcome === 'absorbed') screen.done(view.name, outcome);
        if (isWanted && (outcome.outcome === 'paused' || outcome.outcome === 'gone')) status = 1;
      }
    } finally {
      screen.end();
    }
    return status;
  });
}

/** The views and all that they read, near or far; upstream first. */
function inOrder(graph: ServedGraph, wanted: readonly ServedView[]): ServedView[] {
  const distance = (view: ServedView): number => ancestorsOf(graph.views, view).size;
  const ids = new Set(wanted.flatMap((view) => [...ancestorsOf(graph.views, view), view.id]));
  // A view has more ancestors than any of its ancestors has.
  return [...graph.views.values()].filter((view) => ids.has(view.id)).sort((a, b) => distance(a) - distance(b));
}

async function absorbWhenFree(
  database: Database, view: ServedView,
  { force, onWait, lockTimeoutMs, refreshTimeoutMs, onBatch }: Required<Pick<AbsorbOptions, 'lockTimeoutMs' | 'refreshTimeoutMs' | 'onBatch'>> & { readonly force: boolean; readonly onWait: () => void },
): Promise<Absorbed | Skipped> {
  for (let waits = 0; ; waits += 1) {
    try {
      const outcome = await absorb(database, view, {
        reason: 'manual', lockTimeoutMs, refreshTimeoutMs, onBatch, ...(force ? { overdueSince: Infinity, evenPaused: true } : {}),
      });
      if (outcome.outcome !== 'locked') return outcome;
    } catch (error) {
      if (!(error instanceof CursorMoved || error instanceof NameMoved)) throw error;
    }
    if (waits === 0) onWait();
    await pause(lookAgainMs);
  }
}
