import { readRemains, uninstall, uninstallScript, type Remains } from '../catalog/uninstallation.js';
import { UsageError } from '../config/usage-error.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { confirm, isInteractive } from './confirm.js';
import { say, tell, withDatabase } from './opened.js';

export const uninstallCommand: Command = {
  name: 'uninstall',
  summary: 'Remove everything of the listener from the database',
  viewsOptional: true,
  options: [...connectionOptions, 'print', 'yes', 'json'],
  examples: [
    ['listener uninstall', 'shows what goes, and asks'],
    ['listener uninstall --yes', 'does not ask, for scripts'],
    ['listener uninstall --print', 'the SQL of it, for a migration'],
  ],
  run: (invocation) => (invocation.isSet('print') ? printScript(invocation) : uninstallNow(invocation)),
};

function printScript({ isSet }: Invocation): Promise<number> {
  if (isSet('json')) throw new UsageError('--print writes SQL, not JSON: leave out --json');
  process.stdout.write(uninstallScript());
  return Promise.resolve(0);
}

async function uninstallNow({ config, isSet }: Invocation): Promise<number> {
  const json = isSet('json');
  return withDatabase(config, async (database) => {
    const found = await readRemains(database);
    const { remains } = found;
    const triggers = remains?.triggered.map((relation) => relation.name) ?? [];
    if (remains === undefined) {
      say(json ? JSON.stringify({ database: found.database, removed: false, triggers }) : `Nothing of the listener is in database ${found.database}.`);
      return 0;
    }
    if (!isSet('yes')) {
      requireUnserved(remains);
      if (json || !isInteractive()) {
        throw new UsageError(`uninstall removes everything of the listener from database ${found.database}: give --yes where nobody can be asked`);
      }
      inventory(remains).forEach(tell);
      if (!(await confirm(`Remove all this from database ${found.database}?`))) {
        say('Nothing was removed.');
        return 1;
      }
    }
    try {
      await uninstall(database, remains, (what) => ({
        signal: new AbortController().signal,
        onWait: () => {
          if (!json) tell(`Waiting for running transactions on ${what}; nobody waits for that.`);
        },
      }));
    } catch (error) {
      if (sqlstateOf(error) !== lockNotAvailable) throw error;
      throw new Error('Running transactions kept us from a lock for too long: run this again at a quieter moment, and stop the workers first.', { cause: error });
    }
    if (json) say(JSON.stringify({ database: found.database, removed: true, triggers }));
    else {
      for (const name of triggers) tell(`Removed the trigger of ${name}.`);
      tell(`Removed the schema refresh_listener: nothing of the listener is left in database ${found.database}.`);
    }
    return 0;
  });
}

const lockNotAvailable = '55P03';

function requireUnserved({ database, served }: Remains): void {
  if (served.length === 0) return;
  throw new UsageError(
    `A worker serves ${listed(served)} in database ${database}, or did until a moment ago: stop it first, or give --yes to end it.`,
  );
}

function inventory({ triggered, database }: Remains): string[] {
  return [
    `In database ${database}:`,
    ...triggered.map((relation) => `  the trigger of ${relation.name}`),
    '  the schema refresh_listener, with all that was recorded in it',
    'The materialized views stay, and are no longer refreshed.',
  ];
}

const mostNames = 5;

function listed(names: readonly string[]): string {
  return names.length <= mostNames ? names.join(', ') : `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`;
}
