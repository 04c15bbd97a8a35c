import { Gauge, type Registry } from 'prom-client';
import type { Reading, ViewReading } from './database-reading.js';

/** What the database said at the last scrape. Nothing is shown of it when it did not answer: what was true then may no longer be. */
export class DatabaseMetrics {
  readonly #up;
  readonly #staleness;
  readonly #refreshedAt;
  readonly #failures;
  readonly #paused;
  readonly #rowsBehind;
  readonly #gapIds;
  readonly #waitingRows;
  readonly #logRows;
  readonly #logBytes;
  readonly #queueUsage;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    const ofViews = (name: string, help: string): Gauge<'view'> => new Gauge({ name, help, labelNames: ['view'], registers });
    this.#up = gauge('refresh_listener_database_up', 'Whether the database answered this scrape; without its answer the gauges about it are left out');
    this.#staleness = ofViews('refresh_listener_view_staleness_seconds', 'Since the oldest change that a view does not show; 0: it shows all; NaN: it was never refreshed');
    this.#refreshedAt = ofViews('refresh_listener_view_last_refresh_timestamp_seconds', 'When the last refresh of a view ended that succeeded, by any worker');
    this.#failures = ofViews('refresh_listener_view_consecutive_failures', 'How often in a row the refresh of a view has failed');
    this.#paused = ofViews('refresh_listener_view_paused', 'Whether a view is to be left alone');
    this.#rowsBehind = ofViews('refresh_listener_watermark_lag_rows', 'Ids between the watermark of a summary and the greatest, when it was last refreshed');
    this.#gapIds = ofViews('refresh_listener_gap_rows', 'Ids below the watermark of a summary that were drawn and are not seen yet');
    this.#waitingRows = ofViews('refresh_listener_backfill_waiting_rows', 'Late rows for closed buckets of a summary that wait for a backfill');
    this.#logRows = gauge('refresh_listener_log_rows', 'Rows of the change log; counted up to 100,000');
    this.#logBytes = gauge('refresh_listener_log_size_bytes', 'Size of the change log on disk, with its index');
    this.#queueUsage = gauge('refresh_listener_notification_queue_usage_ratio', 'How full the notification queue of the cluster is, 0 to 1; when it is full, commits fail that notify');
  }

  /**
   * @param reading undefined: the database did not answer
   * @param names of the served views, by id
   */
  show(reading: Reading | undefined, names: ReadonlyMap<number, string>): void {
    for (const gauge of [this.#staleness, this.#refreshedAt, this.#failures, this.#paused, this.#rowsBehind, this.#gapIds, this.#waitingRows]) gauge.reset();
    for (const gauge of [this.#logRows, this.#logBytes, this.#queueUsage]) gauge.remove();
    this.#up.set(reading === undefined ? 0 : 1);
    if (reading === undefined) return;
    this.#logRows.set(reading.logRows);
    this.#logBytes.set(reading.logBytes);
    this.#queueUsage.set(reading.queueUsage);
    for (const view of reading.views) {
      const name = names.get(view.id);
      if (name !== undefined) this.#showView(name, view);
    }
  }

  #showView(view: string, { stalenessMs, refreshedAt, failures, paused, summary }: ViewReading): void {
    this.#staleness.set({ view }, stalenessMs === null ? NaN : stalenessMs / 1_000);
    if (refreshedAt !== null) this.#refreshedAt.set({ view }, refreshedAt);
    this.#failures.set({ view }, failures);
    this.#paused.set({ view }, paused ? 1 : 0);
    if (summary === null) return;
    this.#rowsBehind.set({ view }, summary.rowsBehind);
    this.#gapIds.set({ view }, summary.gapIds);
    this.#waitingRows.set({ view }, summary.waitingRows);
  }
}
