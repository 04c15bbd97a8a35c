import { lockKeys } from '../catalog/lock-key.js';
import { findRegistered, readRegisteredGraph } from '../catalog/registered-graph.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, tell, withServer } from './opened.js';

export const pauseCommand: Command = {
  name: 'pause',
  summary: 'Leave views alone, during a deployment or an import',
  names: { required: true, many: true, description: 'Names of views, or patterns' },
  viewsOptional: true,
  options: [...connectionOptions, 'json'],
  examples: [['listener pause mv_dashboard', 'returns when no refresh of it runs any more'], ["listener pause '*'", 'all views that are served']],
  run: pauseViews,
};

export const resumeCommand: Command = {
  name: 'resume',
  summary: 'Keep paused views fresh again',
  names: { required: true, many: true, description: 'Names of views, or patterns' },
  viewsOptional: true,
  options: [...connectionOptions, 'json'],
  examples: [['listener resume mv_dashboard', 'what changed meanwhile is refreshed at once']],
  run: resumeViews,
};

/** A refresh that runs may take its time, and whoever waits for it is at the keyboard. */
const patient = { lockTimeoutMs: 0, statementTimeoutMs: 0 };

/** Changes go on being recorded; one refresh after `resume` takes them all in. */
async function pauseViews({ config, names, isSet }: Invocation): Promise<number> {
  return withServer(config, async (database) => {
    const graph = await readRegisteredGraph(database);
    for (const view of await findRegistered(database, graph, names)) {
      // The row is held by whoever called refresh() in a transaction that is still open.
      await database.transaction(
        'look', (tx) => tx.rows('UPDATE refresh_listener.view SET paused_at = coalesce(paused_at, pg_catalog.clock_timestamp()) WHERE id = $1', [view.id]),
        patient,
      );
      // Whoever asks for the lock after this finds the view paused; whoever has it is waited for.
      await database.transaction(
        'look', (tx) => tx.rows('SELECT pg_catalog.pg_advisory_xact_lock($1, $2)', [lockKeys.absorb, view.id]),
        patient,
      );
      if (isSet('json')) say(JSON.stringify({ view: view.name, paused: true, wasPaused: graph.paused.has(view.id) }));
      else tell(graph.paused.has(view.id) ? `${view.name} was paused already.` : `Paused ${view.name}: listener resume ${view.name} ends it.`);
    }
    return 0;
  });
}

async function resumeViews({ config, names, isSet }: Invocation): Promise<number> {
  return withServer(config, async (database) => {
    const graph = await readRegisteredGraph(database);
    for (const view of await findRegistered(database, graph, names)) {
      await database.transaction('look', async (tx) => {
        await tx.rows('UPDATE refresh_listener.view SET paused_at = NULL WHERE id = $1', [view.id]);
        // What it missed has rung long ago: its workers are told to look at it.
        await tx.rows('SELECT pg_catalog.pg_notify($1, $2)', ['refresh_listener', `view ${view.id}`]);
      }, patient);
      if (isSet('json')) say(JSON.stringify({ view: view.name, paused: false, wasPaused: graph.paused.has(view.id) }));
      else tell(graph.paused.has(view.id) ? `Resumed ${view.name}.` : `${view.name} was not paused.`);
    }
    return 0;
  });
}
