import { install, type Installed, type InstalledTrigger } from '../catalog/install.js';
import { installScript } from '../catalog/install-script.js';
import { requireServer } from '../catalog/server.js';
import { requireFound, survey } from '../catalog/survey.js';
import { UsageError } from '../config/usage-error.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, tell, withDatabase } from './opened.js';

export const installCommand: Command = {
  name: 'install',
  summary: 'Create what views need in the database, or print the SQL for it',
  viewsOptional: false,
  options: ['views', ...connectionOptions, 'lapse', 'print', 'role', 'json'],
  examples: [
    ['listener install --views mv_sales', 'what the start of a worker does, without refreshing'],
    ['listener install --views mv_sales --print', 'the SQL of it, for a migration'],
    ['listener install --views mv_sales --print --role worker', 'and what a role needs for --no-install'],
  ],
  run: (invocation) => (invocation.isSet('print') ? printScript(invocation) : installNow(invocation)),
};

async function printScript({ config, isSet, valueOf }: Invocation): Promise<number> {
  if (isSet('json')) throw new UsageError('--print writes SQL, not JSON: leave out --json');
  const role = valueOf('role');
  const views = config.views.map((view) => (/[^\w.]/.test(view.text) ? `'${view.text}'` : view.text)).join(',');
  const commandLine = `listener install --views ${views} --print${role === undefined ? '' : ` --role ${role}`}`;
  const found = await withDatabase(config, (database, facts) => {
    requireServer(facts, false);
    return survey(database, config.views, []);
  });
  requireFound(found);
  process.stdout.write(installScript(found, { commandLine, lapseMs: config.lapseMs, role }));
  return 0;
}

async function installNow({ config, isSet, valueOf }: Invocation): Promise<number> {
  if (valueOf('role') !== undefined) {
    throw new UsageError('--role goes with --print: run the SQL that listener install --print --role writes, as the owner of the tables');
  }
  const json = isSet('json');
  const installed = await withDatabase(config, (database) =>
    install(database, {
      patterns: config.views,
      directUrl: config.listenUrl,
      lapseMs: config.lapseMs,
      signal: new AbortController().signal,
      onWait: (source) => {
        if (!json) tell(`Waiting for running writers of ${source}; nobody waits for that.`);
      },
    }),
  );
  if (json) say(JSON.stringify(installed, undefined, 2));
  else report(installed).forEach(tell);
  return installed.triggers.some((trigger) => trigger.state === 'kept-out') ? 1 : 0;
}

/** What an installation found and did, a line a thing. */
export function report({ database, migrations, views, triggers }: Installed): string[] {
  const isNew = migrations.length > 0 || views.some((view) => view.state !== 'present') ||
    triggers.some((trigger) => trigger.state !== 'present' && trigger.state !== 'none');
  return [
    ...migrations.map((migration) => `Ran migration ${migration} in schema refresh_listener.`),
    ...views.map(({ view, sources, state }) =>
      `${state === 'present' ? 'Already registered' : 'Registered'} ${view}, which reads ${sources.length === 0 ? 'no table' : sources.join(', ')}.`),
    ...triggers.map(triggerLine),
    isNew
      ? `Installed in database ${database}. Nothing is refreshed before a worker runs: listener --views ...`
      : `Nothing was to be done in database ${database}.`,
  ];
}

function triggerLine({ source, state, because }: InstalledTrigger): string {
  switch (state) {
    case 'present': return `The trigger of ${source} is in order.`;
    case 'created': return `Created the trigger of ${source}.`;
    case 'mended': return `Put the trigger of ${source} right.`;
    case 'none': return `No trigger for ${source}, since ${because ?? 'it cannot have one'}: its changes are not seen as they are made.`;
    case 'kept-out': return `Could not create the trigger of ${source} (${because ?? 'unknown'}): run this again, or let a worker do it.`;
  }
}
