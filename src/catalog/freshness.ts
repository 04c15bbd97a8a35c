import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { ViewKind } from './graph.js';
import { readLogState, type LogState } from './log-identity.js';
import { readSummaryStandings, type SummaryStanding } from './summary-standing.js';

const viewStatesQuery = loadQuery('view-states');
const unabsorbedChangesQuery = loadQuery('unabsorbed-changes');

/**
 * How a view stands, the worst first:
 * - `gone`: it was dropped, and is served again when it comes back
 * - `paused`: somebody told the workers to leave it alone
 * - `not-served`: no worker has renewed its lease (three sweeps long): nobody refreshes it
 * - `failing`: its last refresh failed, and is tried again
 * - `never`: it has not been refreshed yet
 * - `stale`: something changed that it does not show, or a view that it reads is stale
 * - `unknown`: this server cannot tell whether it is fresh (a standby)
 * - `fresh`: it shows everything that has been committed
 */
export type FreshnessState = 'gone' | 'paused' | 'not-served' | 'failing' | 'never' | 'stale' | 'unknown' | 'fresh';

/** The row of `view-states.sql`. */
export interface ViewState {
  readonly id: number;
  readonly oid: number;
  readonly kind: ViewKind;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  readonly exists: boolean;
  readonly populated: boolean;
  readonly whole: boolean;
  readonly settled: boolean;
  readonly lapsed: boolean;
  /** How many sources it has. */
  readonly sources: number;
  /** Ids of the registered views that it reads. */
  readonly upstream: readonly number[];
  readonly servedUntil: Date;
  readonly served: boolean;
  readonly pausedAt: Date | null;
  /** How long it may be stale, as a worker that serves it has said; null: none has. */
  readonly targetMs: number | null;
  readonly lastSuccess: Date | null;
  readonly lastDurationMs: number | null;
  /** Of the last refresh on record that succeeded; null when the record does not reach back so far. */
  readonly lastPlan: string | null;
  readonly lastReason: string | null;
  /** Null unless the last refresh failed. */
  readonly lastError: string | null;
  readonly lastSqlstate: string | null;
  readonly lastErrorAt: Date | null;
  /** How many times in a row it failed. */
  readonly failures: number;
}

/** The row of `unabsorbed-changes.sql`. */
export interface UnabsorbedChanges {
  readonly view: number;
  /** Statements. */
  readonly changes: number;
  readonly oldest: Date;
  /** Names of the sources that they changed. */
  readonly sources: readonly string[];
}

/** Why the log alone does not answer how fresh a view is. */
export type Doubt =
  /** A worker marked it: it is new, was linked to another source, or something changed that no trigger saw. */
  | 'marked'
  /** Writers have stopped recording, since no worker was seen for too long. */
  | 'lapsed'
  /** A crash or fail-over emptied the log. */
  | 'log-reset'
  /** The schema came here by dump and restore. */
  | 'cluster-changed'
  | 'not-populated'
  | 'gone';

export interface ViewFreshness extends ViewState {
  /** Of a summary. */
  readonly summary: SummaryStanding | undefined;
  readonly state: FreshnessState;
  /** Null: this server cannot tell. */
  readonly stale: boolean | null;
  /** When the oldest change was made that it does not show; null when it is fresh, or nobody knows. */
  readonly staleSince: Date | null;
  readonly doubts: readonly Doubt[];
  /** Statements that it has not absorbed; 0 where the log cannot be read. */
  readonly changes: number;
  readonly changedSources: readonly string[];
  /** Names of the views it reads, directly, that are stale themselves. */
  readonly staleUpstream: readonly string[];
}

/** How every registered view stands, at one moment by the server's clock. */
export interface Freshness {
  readonly at: Date;
  /** A standby knows what was refreshed, and not what is stale. */
  readonly standby: boolean;
  /** Undefined on a standby, where the log cannot be read. */
  readonly log: LogState | undefined;
  readonly views: readonly ViewFreshness[];
}

/** In five queries, however many views there are. Reads only. */
export async function readFreshness(tx: Transaction, standby: boolean): Promise<Freshness> {
  const states = await tx.rows<ViewState>(viewStatesQuery);
  const log = standby ? undefined : await readLogState(tx);
  const changes = standby ? undefined : await tx.rows<UnabsorbedChanges>(unabsorbedChangesQuery);
  const [clock] = await tx.rows<{ at: Date }>('SELECT pg_catalog.clock_timestamp() AS at');
  if (clock === undefined) throw new Error('The server did not tell the time.');
  return { at: clock.at, standby, log, views: judgeFreshness(states, changes, log, await readSummaryStandings(tx)) };
}

/**
 * Which views are stale, and since when? A view is as stale as the stalest view that it reads: it shows no change before
 * that one does. Pure.
 *
 * @param changes undefined: the log cannot be read, and what is not marked is unknown
 */
export function judgeFreshness(
  states: readonly ViewState[], changes: readonly UnabsorbedChanges[] | undefined, log: LogState | undefined,
  summaries: ReadonlyMap<number, SummaryStanding> = new Map(),
): ViewFreshness[] {
  const byId = new Map(states.map((state) => [state.id, state]));
  const changesOf = new Map((changes ?? []).map((row) => [row.view, row]));
  const judged = new Map<number, ViewFreshness>();

  function judge(state: ViewState): ViewFreshness {
    const known = judged.get(state.id);
    if (known !== undefined) return known;
    const own = changesOf.get(state.id);
    const doubts = doubtsOf(state, log);
    const upstream = state.upstream.flatMap((id) => byId.get(id) ?? []).map(judge);
    const staleUpstream = upstream.filter((view) => view.stale === true);
    const stale = doubts.length > 0 || own !== undefined || staleUpstream.length > 0
      ? true
      : changes === undefined || upstream.some((view) => view.stale === null) ? null : false;
    const ageKnown = doubts.length === 0 && staleUpstream.every((view) => view.staleSince !== null);
    const since = [own?.oldest, ...staleUpstream.map((view) => view.staleSince)].flatMap((date) => date ?? []);
    const result: ViewFreshness = {
      ...state, stale, doubts, state: stateOf(state, stale), summary: summaries.get(state.id),
      staleSince: ageKnown && since.length > 0 ? new Date(Math.min(...since.map(Number))) : null,
      changes: own?.changes ?? 0,
      changedSources: own?.sources ?? [],
      staleUpstream: staleUpstream.map((view) => view.name),
    };
    judged.set(state.id, result);
    return result;
  }
  return states.map(judge);
}

/** For how long is a view over its freshness target, in ms? Undefined: it is not, or left alone, or nobody knows. Pure. */
export function overTargetMs({ state, staleSince, targetMs }: Pick<ViewFreshness, 'state' | 'staleSince' | 'targetMs'>, at: Date): number | undefined {
  if (staleSince === null || targetMs === null || state === 'paused' || state === 'gone') return undefined;
  const over = at.getTime() - staleSince.getTime() - targetMs;
  return over > 0 ? over : undefined;
}

function doubtsOf(state: ViewState, log: LogState | undefined): Doubt[] {
  if (!state.exists) return ['gone'];
  const doubts: Doubt[] = [];
  if (state.whole || state.settled) doubts.push('marked');
  if (!state.populated) doubts.push('not-populated');
  if (state.lapsed) doubts.push('lapsed');
  if (log === 'reset') doubts.push('log-reset');
  if (log === 'moved' || log === 'first') doubts.push('cluster-changed');
  return doubts;
}

function stateOf(view: ViewState, stale: boolean | null): FreshnessState {
  if (!view.exists) return 'gone';
  if (view.pausedAt !== null) return 'paused';
  if (!view.served) return 'not-served';
  if (view.failures > 0) return 'failing';
  if (view.lastSuccess === null) return 'never';
  if (stale === null) return 'unknown';
  return stale ? 'stale' : 'fresh';
}
