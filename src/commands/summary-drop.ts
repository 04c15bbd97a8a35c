import { readInstallation } from '../catalog/installation.js';
import { dropSummary, findSummary } from '../catalog/summary-drop.js';
import { UsageError } from '../config/usage-error.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { confirm, isInteractive } from './confirm.js';
import { say, tell, withDatabase } from './opened.js';

export const summaryDropCommand: Command = {
  name: 'summary drop',
  summary: 'Drop a summary: its table and all that keeps it',
  names: { required: true, many: false, description: 'Name of the summary' },
  viewsOptional: true,
  options: [...connectionOptions, 'yes'],
  examples: [
    ['listener summary drop usage_hourly', 'asks first'],
    ['listener summary drop usage_hourly --yes', 'does not ask, for scripts'],
  ],
  run: drop,
};

const lockNotAvailable = '55P03';

async function drop({ config, names: [name = ''], isSet }: Invocation): Promise<number> {
  return withDatabase(config, async (database, facts) => {
    const summary = await readInstallation(database, facts, (tx) => findSummary(tx, name));
    if (!isSet('yes')) {
      if (!isInteractive()) throw new UsageError(`summary drop removes the table ${summary.name} with its rows: give --yes where nobody can be asked`);
      const question = summary.oid === null ? `Remove what is left of summary ${summary.name}, whose table is gone?` : `Drop the table ${summary.name} with its rows, and all that keeps it?`;
      if (!(await confirm(question))) {
        say('Nothing was dropped.');
        return 1;
      }
    }
    try {
      await dropSummary(database, summary, {
        signal: new AbortController().signal,
        onWait: () => tell(`Waiting for whoever uses ${summary.name}; nobody waits for that.`),
      });
    } catch (error) {
      if (sqlstateOf(error) !== lockNotAvailable) throw error;
      throw new Error(`Running transactions kept us from ${summary.name} for too long: run this again at a quieter moment, or listener pause ${summary.name} first.`, { cause: error });
    }
    tell(`Dropped summary ${summary.name}. Take it off the --views of its worker.`);
    return 0;
  });
}
