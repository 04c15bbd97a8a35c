import { readFreshness, type Freshness } from '../catalog/freshness.js';
import { readInstallation } from '../catalog/installation.js';
import { findNamedView } from '../catalog/named-view.js';
import { readRecentRuns, readRunHistory } from '../catalog/run-record.js';
import type { ServerFacts } from '../catalog/server.js';
import { readWatchedSources } from '../catalog/source-watch.js';
import { UsageError } from '../config/usage-error.js';
import type { Database, Transaction } from '../database/database.js';
import { detailJson, freshnessJson } from '../report/freshness-json.js';
import { blockText, freshnessBlock, remarks, type FreshnessBlock } from '../report/freshness-table.js';
import { viewDetail, type ViewDetail } from '../report/view-detail.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { connectionProblem } from '../database/connection-problem.js';
import { say, withReader } from './opened.js';
import { watchRounds } from './watch-rounds.js';

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show how fresh every view is',
  names: { required: false, many: false, description: 'A view, to see its sources and last refreshes' },
  viewsOptional: true,
  options: [...connectionOptions, 'watch', 'json'],
  examples: [
    ['listener status', 'every view at a glance'],
    ['listener status mv_dashboard', 'one of them, with its sources and its last refreshes'],
    ['listener status --watch', 'again every two seconds'],
    ['listener status --json', 'for scripts'],
  ],
  run: showStatus,
};

const runsShown = 10;

interface Status {
  readonly facts: ServerFacts;
  readonly freshness: Freshness;
  readonly detail: ViewDetail | undefined;
}

/** Tells how fresh views are. That some are not is an answer, no failure: exit status 0. */
async function showStatus({ config, names: [name], isSet }: Invocation): Promise<number> {
  const json = isSet('json');
  return withReader(config, async (database, facts) => {
    if (!isSet('watch')) {
      const status = await readStatus(database, facts, name);
      say(json ? JSON.stringify(asJson(status), null, 2) : blockText(asBlock(status, process.stdout.columns || Infinity)));
      return 0;
    }
    return watchRounds({
      read: () => readStatus(database, facts, name),
      show: (status, width) => asBlock(status, width),
      json: json ? asJson : undefined,
      trouble: (error) => connectionProblem(error, config)?.message ?? (error instanceof Error ? error.message : String(error)),
      title: `${facts.database}, PostgreSQL ${facts.version}`,
    });
  });
}

async function readStatus(database: Database, facts: ServerFacts, name: string | undefined): Promise<Status> {
  return readInstallation(database, facts, async (tx) => {
    const freshness = await readFreshness(tx, facts.inRecovery);
    return { facts, freshness, detail: name === undefined ? undefined : await readDetail(tx, freshness, name) };
  });
}

/** @throws UsageError for a name that means no registered view */
async function readDetail(tx: Transaction, freshness: Freshness, name: string): Promise<ViewDetail> {
  const named = await findNamedView(tx, name);
  const view = freshness.views.find(({ oid }) => oid === named.oid);
  if (view === undefined) {
    throw new UsageError(`${named.name} is not served by any listener: put it on the --views of a worker, or run listener install --views ${name}`);
  }
  return {
    view, sources: await readWatchedSources(tx, named.definedBy, view.id), runs: await readRecentRuns(tx, view.id, runsShown),
    history: await readRunHistory(tx, view.id),
  };
}

function asBlock({ facts, freshness, detail }: Status, width: number): FreshnessBlock {
  if (detail === undefined) return freshnessBlock(freshness, facts.database, width);
  return { table: [...viewDetail(detail, freshness.at, width).split('\n')], notes: remarks(freshness) };
}

function asJson({ facts, freshness, detail }: Status): object {
  if (detail === undefined) return freshnessJson(freshness, facts);
  return detailJson(freshness, facts, detail);
}
