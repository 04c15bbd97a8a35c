import { readFreshness } from '../catalog/freshness.js';
import { readInstallation } from '../catalog/installation.js';
import { readLineage } from '../catalog/lineage.js';
import { findNamedView } from '../catalog/named-view.js';
import type { ServerFacts } from '../catalog/server.js';
import { readWatchedSources } from '../catalog/source-watch.js';
import { findClockedViews } from '../catalog/unwritten-change.js';
import type { Config } from '../config/config.js';
import { settingsInForce } from '../config/setting-origin.js';
import { UsageError } from '../config/usage-error.js';
import { Database, type Transaction } from '../database/database.js';
import { readPlanReason } from '../freshen/plan-reason.js';
import { readSummaryPlan } from '../freshen/summary/summary-plan.js';
import { explanationJson, explanationText, type Explanation } from '../report/explanation.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, withReader } from './opened.js';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Tell what a view reads, how that is watched, how it is refreshed, and why',
  names: { required: true, many: false, description: 'A materialized view, served or not, or a summary' },
  viewsOptional: true,
  options: [...connectionOptions, 'json'],
  examples: [['listener explain mv_dashboard', 'also before anything is installed']],
  run: explain,
};

async function explain({ config, names: [name = ''], isSet }: Invocation): Promise<number> {
  return withReader(config, async (database, facts) => {
    const work = (tx: Transaction): Promise<Explanation> => readExplanation(tx, name, facts, config);
    const explanation = facts.schemaExists
      ? await readInstallation(database, facts, work)
      : await database.transaction('look', work, { ...Database.shortLimits, readOnly: true });
    say(isSet('json') ? JSON.stringify(explanationJson(explanation), null, 2) : explanationText(explanation, process.stdout.columns || Infinity));
    return 0;
  });
}

/** @throws UsageError for a name that means no view */
async function readExplanation(tx: Transaction, name: string, facts: ServerFacts, config: Config): Promise<Explanation> {
  const { oid, definedBy, name: view, schema, relation } = await findNamedView(tx, name);
  const freshness = facts.schemaExists ? await readFreshness(tx, facts.inRecovery) : undefined;
  const own = freshness?.views.find((one) => one.oid === oid);
  const plan = own?.summary === undefined ? await readPlanReason(tx, oid) : await readSummaryPlan(view, own.summary);
  if (plan === undefined) throw new UsageError(`${view} was dropped just now`);
  const [clocked] = await findClockedViews(tx, [oid]);
  return {
    view, plan,
    at: freshness?.at ?? new Date(),
    standby: facts.inRecovery,
    installed: facts.schemaExists,
    freshness: own,
    lineage: await readLineage(tx, oid, definedBy),
    sources: await readWatchedSources(tx, definedBy, own?.id),
    unwritten: clocked?.because ?? [],
    settings: settingsInForce(config, { schema, relation, freshnessMs: own?.summary?.freshnessMs }),
  };
}
