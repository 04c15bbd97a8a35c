import type { Scene } from './play.js';
import { views } from './shop.js';

const allViews = views.map((view) => view.name);
const mostViews = ['mv_items', 'mv_nulls', 'mv_events', 'mv_leaf', 'mv_both', 'mv_top', 'mv_derived', 'mv_roof'];
const shortTimes = { debounceMs: 20, maxWaitMs: 300, retryBaseMs: 20, retryMaxMs: 200, lockTimeoutMs: 1_000 };
const history = { unseen: false, prepared: false, writers: 6, actsPerWriter: 14, phases: 2, disturbances: 0 };

/** Each shows something else; what one of them allows would hide from us what another finds. */
export const scenes: Readonly<Record<string, Scene>> = {
  /** Nothing but the bell tells of changes: a lost ring, or a look too early, leaves a view stale. */
  'by the bell alone': {
    // Many quiet moments: what one change missed, the next one would make good.
    history: { ...history, actsPerWriter: 4, phases: 9 }, worker: { ...shortTimes, sweepMs: 600_000 }, allowlists: [allViews, mostViews],
    workerOwnsTables: false, quietAtTheEnd: true, catchUpMs: 15_000,
  },
  /** Prepared transactions, whose PREPARE fails where a writer rings. */
  'by polling, with prepared transactions': {
    history: { ...history, prepared: true, disturbances: 2 }, worker: { ...shortTimes, wake: 'poll', sweepMs: 600_000 }, allowlists: [allViews, mostViews],
    workerOwnsTables: false, quietAtTheEnd: true, catchUpMs: 15_000,
  },
  /** Everything that triggers do not see, with workers that are cut off, go away and come back. */
  'with unseen changes and disturbed workers': {
    history: { ...history, unseen: true, disturbances: 3 }, worker: { ...shortTimes, sweepMs: 300 }, allowlists: [mostViews, allViews],
    workerOwnsTables: false, quietAtTheEnd: true, catchUpMs: 30_000,
  },
  'with unseen changes, prepared transactions and a worker that owns the tables': {
    history: { ...history, unseen: true, prepared: true, disturbances: 2 }, worker: { ...shortTimes, wake: 'poll', sweepMs: 250, concurrency: 3 },
    allowlists: [allViews, mostViews], workerOwnsTables: true, quietAtTheEnd: true, catchUpMs: 30_000,
  },
  /** Registers that lapse while a worker is away, and cursors that are reset because a row is older than the lapse. */
  'with lapses': {
    history: { ...history, prepared: true, disturbances: 4 }, worker: { ...shortTimes, wake: 'poll', sweepMs: 300, lapseMs: 300 },
    allowlists: [allViews], workerOwnsTables: false, quietAtTheEnd: false, catchUpMs: 20_000,
  },
};
