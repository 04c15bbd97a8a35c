import { Counter, Histogram, type Registry } from 'prom-client';
import type { EventOf, ListenerEvent } from '../report/event.js';

/** Seconds: from what a small view takes to what a large one does. */
const buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];

/** What the worker's events add up to since its start. */
export class EventMetrics {
  readonly #refreshes;
  readonly #durations;
  readonly #latencies;
  readonly #skipped;
  readonly #yields;
  readonly #absorbedRows;
  readonly #late;
  readonly #closedLate;
  readonly #corrections;
  readonly #unseen;
  readonly #reconnects;
  readonly #events;

  constructor(registry: Registry) {
    const registers = [registry];
    const ofViews = (name: string, help: string): Counter<'view'> => new Counter({ name, help, labelNames: ['view'], registers });
    this.#refreshes = new Counter({
      name: 'refresh_listener_refreshes_total', help: 'Refreshes of a view by this worker', labelNames: ['view', 'reason', 'outcome'], registers,
    });
    this.#durations = new Histogram({
      name: 'refresh_listener_refresh_duration_seconds', help: 'How long refreshes took that succeeded', labelNames: ['view'], buckets, registers,
    });
    this.#latencies = new Histogram({
      name: 'refresh_listener_refresh_staleness_seconds', help: 'From the oldest change that a refresh absorbed until the view showed it',
      labelNames: ['view'], buckets, registers,
    });
    this.#skipped = new Counter({
      name: 'refresh_listener_refreshes_skipped_total', help: 'Refreshes that were due and not made, such as for the lock of another worker',
      labelNames: ['view', 'outcome'], registers,
    });
    this.#yields = ofViews('refresh_listener_refresh_yields_total', 'Refreshes cancelled because others waited for a lock of theirs');
    this.#absorbedRows = ofViews('refresh_listener_absorbed_rows_total', 'Rows of its source that a summary has absorbed');
    this.#late = ofViews('refresh_listener_late_rows_total', 'Rows for buckets that had ended, absorbed by a summary');
    this.#closedLate = ofViews('refresh_listener_closed_late_rows_total', 'Rows for closed buckets, which a summary counts and does not show');
    this.#corrections = ofViews('refresh_listener_corrections_total', 'Rows of a summary that repairs found wrong and put right');
    this.#unseen = new Counter({ name: 'refresh_listener_unseen_changes_total', help: 'Changes of sources that no trigger recorded, found by sweeps', registers });
    this.#reconnects = new Counter({
      name: 'refresh_listener_reconnects_total', help: 'Times that a lost connection was made again', labelNames: ['connection'], registers,
    });
    this.#events = new Counter({ name: 'refresh_listener_events_total', help: 'Events of the log by name', labelNames: ['event'], registers });
    for (const connection of ['listen', 'database']) this.#reconnects.inc({ connection }, 0);
  }

  note(event: ListenerEvent): void {
    this.#events.inc({ event: event.event });
    switch (event.event) {
      case 'refresh.done': this.#refreshed(event); break;
      case 'summary.progress': this.#absorbed({ ...event, rowsRead: event.rows }); break;
      case 'refresh.failed': this.#refreshes.inc({ view: event.view, reason: event.reason, outcome: 'failed' }); break;
      case 'refresh.skipped': this.#skipped.inc({ view: event.view, outcome: event.because }); break;
      case 'refresh.yielded': this.#yields.inc({ view: event.view }); break;
      case 'change.unseen': this.#unseen.inc(); break;
      case 'listen.restored': this.#reconnects.inc({ connection: 'listen' }); break;
      case 'database.restored': this.#reconnects.inc({ connection: 'database' }); break;
      default:
    }
  }

  /** Makes the counters of these views begin at 0, so that their first increase is seen as one, and drops those of all others. */
  async serve(views: ReadonlySet<string>): Promise<void> {
    const counters = [this.#yields, this.#absorbedRows, this.#late, this.#closedLate, this.#corrections];
    await Promise.all([...counters, this.#refreshes, this.#skipped, this.#durations, this.#latencies].map((metric) => dropOthers(metric, views)));
    for (const view of views) {
      this.#yields.inc({ view }, 0);
      this.#skipped.inc({ view, outcome: 'locked' }, 0);
      for (const outcome of ['done', 'failed']) this.#refreshes.inc({ view, reason: 'change', outcome }, 0);
    }
  }

  #refreshed(event: EventOf<'refresh.done'>): void {
    const { view, reason, durationMs, stalenessMs } = event;
    this.#refreshes.inc({ view, reason, outcome: 'done' });
    this.#durations.observe({ view }, durationMs / 1_000);
    // Clocks may be set back between a change and its refresh.
    if (stalenessMs !== null) this.#latencies.observe({ view }, Math.max(0, stalenessMs) / 1_000);
    this.#absorbed(event);
  }

  /** Of a summary, which may take many rows in several steps; of a materialized view there is nothing to count. */
  #absorbed({ view, rowsRead, late, closedLate, corrections }: Pick<EventOf<'refresh.done'>, 'view' | 'rowsRead' | 'late' | 'closedLate' | 'corrections'>): void {
    if (rowsRead === undefined) return;
    this.#absorbedRows.inc({ view }, rowsRead);
    this.#late.inc({ view }, late ?? 0);
    this.#closedLate.inc({ view }, closedLate ?? 0);
    this.#corrections.inc({ view }, corrections ?? 0);
  }
}

/** A view that is no longer served must not be shown for ever as it was last. */
async function dropOthers<Label extends string>(metric: Counter<Label> | Histogram<Label>, views: ReadonlySet<string>): Promise<void> {
  const { values } = await metric.get();
  for (const { labels } of values) {
    const { view, reason, outcome } = labels as Partial<Record<string, string | number>>;
    if (view === undefined || views.has(String(view))) continue;
    // A histogram's values carry a label of their own besides, the bucket's.
    const own = Object.fromEntries(Object.entries({ view, reason, outcome }).filter(([, value]) => value !== undefined));
    metric.remove(own as Parameters<typeof metric.remove>[0]);
  }
}
