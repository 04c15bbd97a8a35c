import { judgeFreshness, type Freshness, type UnabsorbedChanges, type ViewFreshness, type ViewState } from '../../src/catalog/freshness.js';

/** The moment at which all of these tests look. */
export const at = new Date('2026-11-21T12:00:00Z');

export function before(seconds: number): Date {
  return new Date(at.getTime() - seconds * 1000);
}

let lastId = 0;

/** A view that is served and fresh, but for what is said of it. */
export function viewState(name: string, differing: Partial<ViewState> = {}): ViewState {
  lastId += 1;
  return {
    id: lastId, oid: 16_000 + lastId, kind: 'matview', name, exists: true, populated: true, whole: false, settled: false, lapsed: false, sources: 3, upstream: [],
    servedUntil: before(-150), served: true, pausedAt: null, targetMs: null, lastSuccess: before(12), lastDurationMs: 67, lastPlan: 'concurrent',
    lastReason: 'change', lastError: null, lastSqlstate: null, lastErrorAt: null, failures: 0, ...differing,
  };
}

export function changesOf(view: ViewState, secondsAgo: number, sources = ['public.orders'], changes = 1): UnabsorbedChanges {
  return { view: view.id, changes, oldest: before(secondsAgo), sources };
}

/** How views stand on a primary with a sound log. */
export function freshnessOf(states: readonly ViewState[], changes: readonly UnabsorbedChanges[] = []): Freshness {
  return { at, standby: false, log: 'intact', views: judgeFreshness(states, changes, 'intact') };
}

export function judged(state: ViewState, changes: readonly UnabsorbedChanges[] = []): ViewFreshness {
  const [view] = judgeFreshness([state], changes, 'intact');
  if (view === undefined) throw new Error('A view was judged, and there is none.');
  return view;
}
