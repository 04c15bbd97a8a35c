import { formatDuration } from '../../src/config/duration.js';
import { count } from '../../src/report/sentence.js';
import type { Agreement } from './agreement.js';
import type { ViewRecord } from './record.js';
import type { Tally } from './traffic.js';

export interface Summary {
  readonly durationMs: number;
  readonly committed: Tally;
  readonly rolledBack: Tally;
  readonly records: readonly ViewRecord[];
  readonly agreements: readonly Agreement[];
  /** When the start of the server began, in ms since 1970. */
  readonly serverStartedAt: number;
}

/** The summary as lines. Pure. */
export function summaryLines(summary: Summary): string[] {
  const { records, agreements } = summary;
  const width = Math.max(...records.map(({ view }) => view.length));
  const line = (label: string, text: string): string => `  ${label.padEnd(11)} ${text}`;
  return [
    `Summary of ${formatDuration(summary.durationMs)}`,
    line('changes', `${deeds(summary.committed)} committed; ${deeds(summary.rolledBack)} rolled back`),
    ...records.map((record) => line('refreshes', `${record.view.padEnd(width)}  ${refreshes(record)}`)),
    ...records.map((record) => line('freshness', `${record.view.padEnd(width)}  ${freshness(record)}`)),
    line('first event', `${sinceStart('firstAt', summary)} after the start of the server; for live traffic: ${sinceStart('firstChangeAt', summary)}`),
    ...agreements.map((agreement) => line('agreement', `${agreement.view.padEnd(width)}  ${verdict(agreement)}`)),
  ];
}

function deeds({ statements, rows }: Tally): string {
  return `${count(statements, 'statement')} (${count(rows, 'row')})`;
}

function refreshes({ kind, concurrent, plain, merges, rebuilds, failed }: ViewRecord): string {
  const done = kind === 'summary' ? `${count(merges, 'merge')}, ${count(rebuilds, 'repair')}` : `${concurrent} concurrent, ${plain} plain`;
  return `${done}${failed === 0 ? '' : `, ${failed} FAILED`}`;
}

function freshness({ p50, p95, max }: ViewRecord): string {
  if (p50 === null || p95 === null || max === null) return 'no change came';
  return `p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, max ${formatDuration(max)} from the first change to visible`;
}

function sinceStart(which: 'firstAt' | 'firstChangeAt', { records, serverStartedAt }: Summary): string {
  const times = records.flatMap((record) => record[which] ?? []);
  return times.length === 0 ? 'never' : formatDuration(Math.min(...times) - serverStartedAt);
}

function verdict({ kind, rows, differing }: Agreement): string {
  if (differing === 0) return `${kind === 'summary' ? 'summary' : 'view'} and defining query agree (${count(rows, 'row')})`;
  return `DIFFERS from its defining query: ${count(differing, 'row')} in only one of them`;
}
