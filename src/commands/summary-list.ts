import { readInstallation } from '../catalog/installation.js';
import { listSummaries, type ListedSummary } from '../catalog/summary-list.js';
import { formatDuration } from '../config/duration.js';
import { renderTable, type Column } from '../report/table.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, withReader } from './opened.js';

export const summaryListCommand: Command = {
  name: 'summary list',
  summary: 'Which summaries there are, and how each is kept',
  viewsOptional: true,
  options: [...connectionOptions, 'json'],
  examples: [['listener summary list', 'a line a summary']],
  run: list,
};

async function list({ config, isSet }: Invocation): Promise<number> {
  const { database, summaries } = await withReader(config, async (connection, facts) => ({
    database: facts.database, summaries: await readInstallation(connection, facts, listSummaries),
  }));
  if (isSet('json')) say(JSON.stringify({ database, summaries: summaries.map(asJson) }, undefined, 2));
  else if (summaries.length === 0) say(`There is no summary in database ${database}: listener summary create NAME --from FILE makes one.`);
  else say(summaryTable(summaries));
  return 0;
}

const columns: readonly Column[] = [
  { title: 'summary' }, { title: 'source', elastic: true }, { title: 'plan' }, { title: 'capture' }, { title: 'last id', align: 'right' },
  { title: 'bucket' }, { title: 'late', align: 'right' }, { title: 'filled' },
];

/** Fits the terminal. @param width default: that of standard output */
export function summaryTable(summaries: readonly ListedSummary[], width?: number): string {
  return renderTable(columns, summaries.map(({ name, source, plan, capture, watermark, bucket, latenessMs, filledAt, oid }) => [
    name, source ?? '-', plan ?? '-', capture, watermark, bucket ?? '-', latenessMs === null ? '-' : formatDuration(latenessMs),
    oid === null ? 'dropped' : filledAt === null ? 'no' : 'yes',
  ]), width);
}

function asJson({ name, oid, source, plan, capture, idColumn, watermark, bucket, latenessMs, freshnessMs, filledAt }: ListedSummary): object {
  return { summary: name, exists: oid !== null, source, plan, capture, idColumn, watermark, bucket, latenessMs, freshnessMs, filledAt };
}
