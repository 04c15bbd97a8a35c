import { overTargetMs, type Doubt, type Freshness, type FreshnessState, type ViewFreshness } from '../catalog/freshness.js';
import type { Holder, RunHistory, RunRecord } from '../catalog/run-record.js';
import type { WatchedSource } from '../catalog/source-watch.js';
import { summaryJson, type SummaryJson } from './summary-standing.js';

/**
 * What `listener status --json` prints. Names and fields are stable: they are added, never renamed or reused. Times are
 * ISO 8601 in UTC, durations in milliseconds, names quoted as SQL needs them.
 */
export interface FreshnessJson {
  /** The server's clock. */
  readonly at: string;
  readonly database: string;
  /** The server's version, '17.2'. */
  readonly server: string;
  /** On a standby what is stale is not known: `stale` is null unless it is certain. */
  readonly standby: boolean;
  readonly views: readonly ViewJson[];
}

export interface ViewJson {
  readonly view: string;
  readonly state: FreshnessState;
  /** Null: this server cannot tell. */
  readonly stale: boolean | null;
  /** When the oldest change was made that it does not show, through upstream views too; null: fresh, or nobody knows. */
  readonly staleSince: string | null;
  readonly staleForMs: number | null;
  /** How long it may be stale, as a worker that serves it has said; null: none has. */
  readonly targetMs: number | null;
  /** Whether it has been stale for longer than that; a paused view misses nothing. */
  readonly missed: boolean;
  /** Why the change log does not answer since when; empty in the usual case. */
  readonly doubts: readonly Doubt[];
  /** Statements that it has not absorbed, and the sources that they changed. */
  readonly changes: number;
  readonly changedSources: readonly string[];
  /** Views it reads, directly, that are stale. */
  readonly staleUpstream: readonly string[];
  readonly served: boolean;
  readonly servedUntil: string;
  readonly pausedAt: string | null;
  /** Null: never. Plan and reason are null where the record does not reach back so far. */
  readonly lastRefresh: { readonly at: string; readonly durationMs: number | null; readonly plan: string | null; readonly reason: string | null } | null;
  /** Null unless the last refresh failed. */
  readonly lastError: { readonly at: string | null; readonly message: string; readonly sqlstate: string | null } | null;
  /** How many times in a row it failed. */
  readonly failures: number;
  readonly sourceCount: number;
  /** Null: it is a materialized view. */
  readonly summary: SummaryJson | null;
}

/** With NAME: the same, and more. */
export interface ViewDetailJson extends ViewJson {
  readonly sources: readonly SourceJson[];
  /** The latest first. */
  readonly runs: readonly RunJson[];
  /** All on record. */
  readonly history: HistoryJson;
}

export interface HistoryJson {
  /** When the oldest began; null: there is none. */
  readonly since: string | null;
  readonly refreshes: number;
  readonly failures: number;
  /** Of refreshes that succeeded; null: none has. */
  readonly medianMs: number | null;
  readonly longestMs: number | null;
  readonly worstStalenessMs: number | null;
}

export interface SourceJson {
  readonly source: string;
  /** `table`, `partitioned table`, `foreign table`, `materialized view`. */
  readonly kind: string;
  /** Whether it is a partition, or child, of another relation. */
  readonly child: boolean;
  readonly watch: WatchedSource['watch'];
  /** Until when its writers record changes; null: for good, or not known. */
  readonly recordsUntil: string | null;
  readonly bell: WatchedSource['bell'];
  readonly remembered: boolean;
  /** What looks different from the view's last refresh: `partitions`, `storage`, `columns`, `counters`; null: nothing. */
  readonly difference: string | null;
}

export interface RunJson {
  readonly startedAt: string;
  readonly reason: string;
  readonly plan: string | null;
  readonly durationMs: number;
  readonly stalenessMs: number | null;
  readonly inserted: number | null;
  readonly updated: number | null;
  readonly deleted: number | null;
  readonly sources: readonly string[];
  readonly sqlstate: string | null;
  readonly error: string | null;
  /** Of a summary, null otherwise. */
  readonly rowsRead: number | null;
  readonly late: number | null;
  readonly closedLate: number | null;
  readonly corrections: number | null;
  readonly batches: number | null;
  readonly gaps: number | null;
  readonly holders: readonly Holder[] | null;
  readonly rowsBehind: number | null;
}

/** Where the answer comes from. */
export interface Place {
  readonly database: string;
  /** The server's version. */
  readonly version: string;
}

export function freshnessJson(freshness: Freshness, place: Place): FreshnessJson {
  const { at, standby, views } = freshness;
  return { ...placeJson(freshness, place), standby, views: views.map((view) => viewJson(view, at)) };
}

export function detailJson(
  freshness: Freshness, place: Place, { view, sources, runs, history }: {
    readonly view: ViewFreshness; readonly sources: readonly WatchedSource[]; readonly runs: readonly RunRecord[]; readonly history: RunHistory;
  },
): Omit<FreshnessJson, 'views'> & { readonly views: readonly ViewDetailJson[] } {
  const detail = { ...viewJson(view, freshness.at), sources: sources.map(sourceJson), runs: runs.map(runJson), history: historyJson(history) };
  return { ...placeJson(freshness, place), standby: freshness.standby, views: [detail] };
}

function placeJson({ at }: Freshness, { database, version }: Place): Pick<FreshnessJson, 'at' | 'database' | 'server'> {
  return { at: at.toISOString(), database, server: version };
}

export function viewJson(view: ViewFreshness, at: Date): ViewJson {
  const { name, state, stale, staleSince, doubts, changes, changedSources, staleUpstream, served, failures } = view;
  return {
    view: name, state, stale,
    staleSince: iso(staleSince),
    staleForMs: staleSince === null ? null : Math.max(0, at.getTime() - staleSince.getTime()),
    targetMs: round(view.targetMs),
    missed: overTargetMs(view, at) !== undefined,
    doubts, changes, changedSources, staleUpstream, served,
    servedUntil: view.servedUntil.toISOString(),
    pausedAt: iso(view.pausedAt),
    lastRefresh: view.lastSuccess === null ? null : {
      at: view.lastSuccess.toISOString(), durationMs: round(view.lastDurationMs), plan: view.lastPlan, reason: view.lastReason,
    },
    lastError: view.lastError === null ? null : { at: iso(view.lastErrorAt), message: view.lastError, sqlstate: view.lastSqlstate },
    failures,
    sourceCount: view.sources,
    summary: view.summary === undefined ? null : summaryJson(view.summary),
  };
}

export function sourceJson(source: WatchedSource): SourceJson {
  const { name, watch, bell, remembered } = source;
  return {
    source: name, kind: kindNames[source.kind], child: source.isChild, watch, bell, remembered,
    recordsUntil: iso(source.recordsUntil), difference: source.difference ?? null,
  };
}

export const kindNames: Readonly<Record<WatchedSource['kind'], string>> = {
  r: 'table', p: 'partitioned table', f: 'foreign table', m: 'materialized view',
};

function runJson(run: RunRecord): RunJson {
  return { ...run, startedAt: run.startedAt.toISOString(), durationMs: Math.round(run.durationMs), stalenessMs: round(run.stalenessMs) };
}

function historyJson({ since, refreshes, failures, medianMs, longestMs, worstStalenessMs }: RunHistory): HistoryJson {
  return { since: iso(since), refreshes, failures, medianMs: round(medianMs), longestMs: round(longestMs), worstStalenessMs: round(worstStalenessMs) };
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

function round(number: number | null): number | null {
  return number === null ? null : Math.round(number);
}
