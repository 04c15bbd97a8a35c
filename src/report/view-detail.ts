import type { ViewFreshness } from '../catalog/freshness.js';
import type { RunHistory, RunRecord } from '../catalog/run-record.js';
import type { Watch, WatchedSource } from '../catalog/source-watch.js';
import { formatDuration } from '../config/duration.js';
import { ago, staleFor, stateNames, took, troubleOf } from './freshness-table.js';
import { kindNames } from './freshness-json.js';
import { printable } from './printable.js';
import { clause, count, listing } from './sentence.js';
import { summaryLines } from './summary-standing.js';
import { renderTable } from './table.js';

/** One view, and what it has beyond its freshness. */
export interface ViewDetail {
  readonly view: ViewFreshness;
  readonly sources: readonly WatchedSource[];
  /** The last ones, the latest first. */
  readonly runs: readonly RunRecord[];
  readonly history: RunHistory;
}

/** A sentence on how a view stands, then its sources, then its last refreshes, then a sentence on all on record: what `status NAME` shows. */
export function viewDetail({ view, sources, runs, history }: ViewDetail, at: Date, width: number): string {
  // Sentences are not cut: the terminal breaks them.
  const summary = view.summary === undefined ? [] : summaryLines(view.summary, printable(view.name), at);
  const lines = [headline(view, at), ...summary, ...reasonsOf(view), ...troubleOf(view, at)];
  return [...lines, '', sourceTable(sources, at, width), '', runTable(runs, at, width), ...historyLines(history, at)].join('\n');
}

/** 'On record since 6d 4h ago: 1,240 refreshes, 3 of them failed; ...'. Empty where nothing is. */
export function historyLines({ since, refreshes, failures, medianMs, longestMs, worstStalenessMs }: RunHistory, at: Date): string[] {
  if (since === null) return [];
  const failed = failures === 0 ? 'none failed' : `${failures.toLocaleString('en-US')} of them failed`;
  const times = medianMs === null || longestMs === null ? '' : `; half took ${formatDuration(medianMs)} or less, the longest ${formatDuration(longestMs)}`;
  const staleness = worstStalenessMs === null ? '' : `; a change waited ${formatDuration(worstStalenessMs)} at most`;
  return ['', `On record since ${ago(since, at)}: ${count(refreshes, 'refresh', 'refreshes')}, ${failed}${times}${staleness}.`];
}

function headline(view: ViewFreshness, at: Date): string {
  const known = view.stale === true && view.staleSince !== null;
  const stale = known ? `${view.state === 'stale' ? '' : ', stale'} for ${staleFor(view, at)}` : '';
  if (view.lastSuccess === null && view.state === 'never') return `${printable(view.name)} has not been refreshed yet.`;
  const refreshed = view.lastSuccess === null
    ? 'not refreshed yet'
    : `refreshed ${ago(view.lastSuccess, at)} in ${took(view.lastDurationMs)}${view.lastPlan === null ? '' : ` (${view.lastPlan})`}`;
  const target = view.targetMs === null ? '' : `; freshness target ${formatDuration(view.targetMs)}`;
  return `${printable(view.name)} is ${stateNames[view.state]}${stale}; ${refreshed}${target}.`;
}

/** Why is it stale, a sentence a reason? Empty when it is not. */
export function reasonsOf(view: ViewFreshness): string[] {
  const doubts = view.doubts.map((doubt) => doubtNames[doubt]);
  const changed = view.changes > 0
    ? [`${count(view.changes, 'statement')} changed ${listing(view.changedSources.map(printable))} and ${view.changes === 1 ? 'is' : 'are'} not shown yet.`]
    : [];
  const upstream = view.staleUpstream.length > 0 ? [`It reads ${listing(view.staleUpstream.map(printable))}, stale too, and is refreshed after.`] : [];
  return [...doubts, ...changed, ...upstream];
}

const doubtNames: Readonly<Record<ViewFreshness['doubts'][number], string>> = {
  marked: 'It is refreshed whatever changed: it is new, reads something new, or something changed that no trigger saw.',
  'not-populated': 'It holds no data: it was created or refreshed WITH NO DATA.',
  lapsed: 'Nobody knows what changed since writers stopped recording.',
  'log-reset': 'Nobody knows what changed before the log was emptied.',
  'cluster-changed': 'What it had absorbed elsewhere says nothing about this database.',
  gone: 'It no longer exists.',
};

export const watchNames: Readonly<Record<Watch, string>> = {
  always: 'by trigger, always', trigger: 'by trigger', missing: 'trigger missing', disabled: 'trigger disabled', altered: 'trigger altered',
  'no-privilege': 'no: TRIGGER not granted', refreshes: 'by its refreshes', sweep: 'by the sweep', never: 'no', 'not-installed': 'by trigger, once served',
};

export function sourceTable(sources: readonly WatchedSource[], at: Date, width: number): string {
  if (sources.length === 0) return 'It has no source to watch.';
  const columns = [{ title: 'source', elastic: true as const }, { title: 'kind' }, { title: 'watched' }, { title: 'recording' }, { title: 'bell' }];
  const rows = sources.map((source) => [
    printable(source.name),
    source.isChild ? 'partition' : kindNames[source.kind],
    watchNames[source.watch],
    recording(source, at),
    source.bell === null || !hasTrigger(source) ? '-' : source.bell,
  ]);
  // The registers are left out where nothing is known of them, and where the terminal is too narrow.
  const shown = width < 80 || rows.every((row) => row.slice(3).every((cell) => cell === '-')) ? 3 : columns.length;
  return renderTable(columns.slice(0, shown), rows.map((row) => row.slice(0, shown)), width);
}

function hasTrigger({ kind }: WatchedSource): boolean {
  return kind === 'r' || kind === 'p';
}

function recording(source: WatchedSource, at: Date): string {
  if (!source.linked || !hasTrigger(source)) return '-';
  if (source.recordsUntil === null) return 'on';
  const left = source.recordsUntil.getTime() - at.getTime();
  return left <= 0 ? 'off: lapsed' : `for ${formatDuration(left)} more`;
}

function runTable(runs: readonly RunRecord[], at: Date, width: number): string {
  if (runs.length === 0) return 'No refresh is on record.';
  const wide = width >= 80;
  // Of a summary, where there is room for it.
  const summary = width >= 110 && runs.some(({ rowsRead }) => rowsRead !== null);
  const columns = [
    { title: 'refreshed', align: 'right' as const }, { title: 'reason' }, { title: 'plan' }, { title: 'took', align: 'right' as const },
    { title: 'staleness', align: 'right' as const },
    ...(wide ? [{ title: 'inserted', align: 'right' as const }, { title: 'updated', align: 'right' as const }, { title: 'deleted', align: 'right' as const }] : []),
    ...(summary ? [{ title: 'read', align: 'right' as const }, { title: 'late', align: 'right' as const }, { title: 'corrected', align: 'right' as const }] : []),
    { title: 'changed', elastic: true as const },
  ];
  return renderTable(columns, runs.map((run) => [
    ago(run.startedAt, at), run.reason, run.plan ?? 'failed', took(run.durationMs), run.stalenessMs === null ? '-' : took(run.stalenessMs),
    ...(wide ? [rows(run.inserted), rows(run.updated), rows(run.deleted)] : []),
    ...(summary ? [rows(run.rowsRead), rows(run.late), rows(run.corrections)] : []),
    whatOf(run),
  ]), width);
}

function whatOf({ error, sqlstate, sources }: RunRecord): string {
  if (error !== null) return printable(`${clause(error)}${sqlstate === null ? '' : ` (${sqlstate})`}`);
  return sources.length === 0 ? '-' : listing(sources.map(printable));
}

function rows(number: number | null): string {
  return number === null ? '-' : number.toLocaleString('en-US');
}
