import type { ServedGraph, ServedSource } from '../catalog/graph.js';
import { cleanLog, pruneRuns } from '../catalog/clean-up.js';
import { clampHolds, silenceHolds } from '../catalog/hold-register.js';
import { renewLease } from '../catalog/lease.js';
import { ensureLog, type LogState } from '../catalog/log-identity.js';
import { forgetView, planRegistration, readRegistry, register, unreadSources, type RegisteredView } from '../catalog/registry.js';
import { needsTrigger, survey, type Survey } from '../catalog/survey.js';
import { findTriggerFaults, mendTrigger, removeSource, type TriggerFault, type TriggerTarget } from '../catalog/trigger.js';
import type { ViewPattern } from '../config/view-pattern.js';
import type { Database } from '../database/database.js';
import { findStaleViews, type StaleView } from './stale-view.js';
import { findUnseenChanges, type UnseenChange } from './unseen-change.js';

/** What a sweep tells while it works, each as it is found. */
export interface SweepObserver {
  /** What is served from here on; told before staleness is asked for, so that no log row falls between. */
  readonly onGraph: (graph: ServedGraph, found: Survey) => void;
  readonly onLogState: (state: LogState) => void;
  readonly onLapse: (sources: readonly ServedSource[]) => void;
  /** Writers have been silent since the last lease ended; told after `onGraph`. */
  readonly onUnheard: (sources: readonly ServedSource[]) => void;
  readonly onTrigger: (source: TriggerTarget, fault: TriggerFault) => void;
  /** A trigger waits for running writers of the table, who are not held up by that. */
  readonly onTriggerWait: (source: string) => void;
  /** Writers, or missing privileges, kept a trigger from being created: tried again in the next sweep. */
  readonly onTriggerTrouble: (source: string, error: unknown) => void;
  /** Without the right to create them: which sources lack a working trigger now. Told in each sweep. */
  readonly onUntriggered: (sources: readonly TriggerTarget[]) => void;
  readonly onRemoved: (source: string) => void;
  readonly onForgotten: (view: RegisteredView) => void;
  readonly onUnseen: (change: UnseenChange) => void;
}

export interface SweepOptions {
  readonly database: Database;
  readonly patterns: readonly ViewPattern[];
  /** What the sweep before found to serve: its lease is renewed first, whatever happens after. */
  readonly served: ServedGraph;
  /** How long a lease lasts, and how long after it triggers go on appending. */
  readonly leaseMs: number;
  readonly lapseMs: number;
  readonly historyMs: number;
  /** Whether to create and remove triggers and registers. */
  readonly install: boolean;
  /** Whether writers ring: silent in polling mode; untouched by who does not stay to hear it. */
  readonly bell: () => 'ringing' | 'silent' | 'untouched';
  readonly signal: AbortSignal;
  readonly observer: SweepObserver;
}

export interface SweepResult {
  readonly stale: readonly StaleView[];
  readonly views: number;
  readonly unseen: number;
  readonly mended: number;
}

/**
 * The periodic look that needs no doorbell: it makes the database objects what they should be, finds every stale view
 * whatever became of the rings, and what no trigger saw, and cleans up. In a fixed number of queries while nothing is
 * to be mended.
 *
 * The order matters. The lease comes first, for no trouble that follows may let it run out. Links come before triggers, so that a trigger's first log row is kept for the view; so does the
 * silence of polling mode, in which a ring would make PREPARE TRANSACTION fail; triggers come before the question what is
 * stale; and what is served is told before that.
 */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const { database, observer, lapseMs, leaseMs, install } = options;
  observer.onLogState(await ensureLog(database, install));
  const unheard = await renew(options, options.served);
  const found = await survey(database, options.patterns, [...options.served.views.values()].map((view) => view.oid));
  const registry = await readRegistry(database, lapseMs);
  await forget(options, found, registry);
  const graph = await register(database, found, leaseMs, registry, install);
  await removeUnread(options);
  if (!isWithin(graph, options.served)) unheard.push(...(await renew(options, graph)));
  const bell = options.bell();
  if (bell === 'ringing') await clampHolds(database, [...graph.sources.keys()]);
  if (bell === 'silent') await silenceHolds(database, [...graph.sources.keys()]);
  const mended = await mendTriggers(options, graph, found);
  observer.onGraph(graph, found);
  if (unheard.length > 0) observer.onUnheard(unheard);

  const stale = await findStaleViews(database, [...graph.views.keys()]);
  const staleIds = new Set(stale.map((view) => view.id));
  const unseen = await findUnseenChanges(database, graph, [...graph.views.keys()].filter((id) => !staleIds.has(id)));
  unseen.forEach(observer.onUnseen);
  const surprised = new Set(unseen.flatMap((change) => change.views).map((view) => view.id));

  await cleanLog(database, lapseMs);
  await pruneRuns(database, options.historyMs);
  return { stale: [...stale, ...[...surprised].map((id) => ({ id, whole: true, paused: false }))], views: graph.views.size, unseen: unseen.length, mended };
}

/** @returns sources whose writers have not rung lately */
async function renew({ database, leaseMs, lapseMs, observer }: SweepOptions, graph: ServedGraph): Promise<ServedSource[]> {
  if (graph.views.size === 0) return [];
  const { lapsed, unheard } = await renewLease(database, graph, leaseMs, lapseMs);
  if (lapsed.length > 0) observer.onLapse(lapsed);
  return [...unheard];
}

function isWithin(graph: ServedGraph, other: ServedGraph): boolean {
  return [...graph.views.keys()].every((id) => other.views.has(id)) && [...graph.sources.keys()].every((id) => other.sources.has(id));
}

/** Removes views that are gone or abandoned. */
async function forget({ database, observer, lapseMs }: SweepOptions, found: Survey, registry: readonly RegisteredView[]): Promise<void> {
  for (const view of planRegistration(found, registry).forget) {
    if (await forgetView(database, view, lapseMs)) observer.onForgotten(view);
  }
}

/** Removes sources that no view reads any more. After the registration, or a source that changes hands would go and come back. */
async function removeUnread({ database, observer, signal, install }: SweepOptions): Promise<void> {
  // Its log register lapses when nobody renews it: then its trigger does nothing.
  if (!install) return;
  for (const source of await unreadSources(database)) {
    try {
      if (await removeSource(database, source, { signal, onWait: () => observer.onTriggerWait(source.name) })) observer.onRemoved(source.name);
    } catch (error) {
      if (signal.aborted) throw error;
      observer.onTriggerTrouble(source.name, error);
    }
  }
}

/** Creates missing triggers and mends broken ones. @returns how many */
async function mendTriggers(options: SweepOptions, graph: ServedGraph, found: Survey): Promise<number> {
  const { database, observer, signal } = options;
  const surveyed = new Map(found.views.flatMap((view) => view.sources).map((source) => [source.oid, source]));
  const tables = [...graph.sources.values()].flatMap((source) => {
    const facts = surveyed.get(source.oid);
    return facts !== undefined && needsTrigger(facts) ? [{ ...source, ...facts, id: source.id }] : [];
  });
  if (!options.install) {
    // Whoever created the trigger may not have been the owner: enabled is enough.
    const faults = await findTriggerFaults(database, tables.map((table) => ({ ...table, owned: false })));
    observer.onUntriggered(faults.map(({ target }) => target));
    return 0;
  }
  const targets = tables.filter((table) => table.mayTrigger);
  let mended = 0;
  for (const { target, fault } of await findTriggerFaults(database, targets)) {
    try {
      if (!(await mendTrigger(database, target, { signal, onWait: () => observer.onTriggerWait(target.name) }))) continue;
      mended += 1;
      observer.onTrigger(target, fault);
    } catch (error) {
      if (signal.aborted) throw error;
      observer.onTriggerTrouble(target.name, error);
    }
  }
  return mended;
}

