import { readFreshness } from '../catalog/freshness.js';
import { readInstallation } from '../catalog/installation.js';
import { findNamedViews } from '../catalog/named-view.js';
import { probeServerSettings } from '../catalog/server.js';
import { settingsOf } from '../config/view-settings.js';
import { Database } from '../database/database.js';
import { verify } from '../freshen/verify.js';
import { verificationJson, verificationText } from '../report/verification.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, withReader } from './opened.js';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'Compare views with what their queries return, and prove a wrong one',
  names: { required: true, many: true, description: 'Names of materialized views, served or not, and of summaries; or patterns' },
  viewsOptional: true,
  options: [...connectionOptions, 'lock-timeout', 'refresh-timeout', 'wait', 'json'],
  examples: [
    ['listener verify mv_dashboard', 'exit status 1 if it is wrong, 0 if it merely has something to absorb'],
    ["listener verify 'analytics.*' --wait 1m", 'several, each as soon as it is fresh'],
    ['listener verify mv_dashboard --json', 'with up to 1,000 rows that differ'],
  ],
  run: verifyViews,
};

const rowsShown = 20;
const rowsWritten = 1000;

/** Compares one view after the other. One that is behind proves nothing, and is no failure. */
async function verifyViews({ config, names, isSet, valueOf }: Invocation): Promise<number> {
  const json = isSet('json');
  const waitMs = valueOf('wait') ?? 0;
  return withReader(config, async (database, facts) => {
    const readOnly = { ...Database.shortLimits, readOnly: true };
    const views = await database.transaction('look', (tx) => findNamedViews(tx, names), readOnly);
    // What is installed must be ours to read: that is said in its own words, before anything is compared.
    if (facts.schemaExists) await readInstallation(database, facts, (tx) => readFreshness(tx, facts.inRecovery));
    if (!facts.inRecovery) database.useServerSettings(await probeServerSettings(database, facts));
    let status = 0;
    for (const view of views) {
      const { lockTimeoutMs, refreshTimeoutMs } = settingsOf(config, view);
      const found = await verify(database, view, facts, {
        lockTimeoutMs, statementTimeoutMs: refreshTimeoutMs, waitMs, maxRows: json ? rowsWritten : rowsShown,
      });
      say(json ? JSON.stringify(verificationJson(found)) : verificationText(found, process.stdout.columns || Infinity));
      if (found.verdict === 'differs') status = 1;
    }
    return status;
  });
}
