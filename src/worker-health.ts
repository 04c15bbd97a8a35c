import type { ServedGraph, ServedView } from './catalog/graph.js';
import type { Config } from './config/config.js';
import type { ViewSettings } from './config/view-settings.js';
import type { Database } from './database/database.js';
import { isWhole, type Absorbed } from './freshen/absorption.js';
import type { Failure, FreshenerOptions } from './freshen/freshener.js';
import { FailureWatch } from './health/failure-watch.js';
import { FreshnessWatch } from './health/freshness-watch.js';
import { isAlert } from './report/alert.js';
import { AlertSender } from './report/alert-sender.js';
import type { Log } from './report/log.js';
import { observedLog } from './report/observed-log.js';
import type { StaleView } from './wake/stale-view.js';
import { messageOf } from './worker-report.js';

export interface WorkerHealthOptions {
  readonly config: Config;
  readonly database: Database;
  readonly log: Log;
  readonly settingsOf: (view: ServedView) => ViewSettings;
  /** How often the worker looks for changes, in ms; 0: it is told of each. */
  readonly pollMs: () => number;
  /** A look at the staleness of views failed. */
  readonly onTrouble: (error: unknown) => void;
}

/** Whether the worker does what it is for: its views are within their targets, and their refreshes succeed. Told to the log and the webhook. */
export class WorkerHealth {
  /** The log that everything is told to: what is an alert goes to the webhook as well. */
  readonly log: Log;
  readonly freshness: FreshnessWatch;
  readonly #failures: FailureWatch;
  readonly #alerts: AlertSender | undefined;
  readonly #once: boolean;

  constructor({ config, database, log, settingsOf, pollMs, onTrouble }: WorkerHealthOptions) {
    this.#once = config.once;
    this.#alerts = config.alertUrl === undefined ? undefined : new AlertSender({
      url: config.alertUrl,
      onFailed: (error, queued) => log.emit({ event: 'alert.failed', error, queued }),
      onRestored: (failedForMs) => log.emit({ event: 'alert.restored', failedForMs }),
    });
    this.log = this.#alerts === undefined ? log : observedLog(log, (event) => (isAlert(event) ? this.#alerts?.tell(event) : undefined));
    this.freshness = new FreshnessWatch({
      database, settingsOf, pollMs, onTrouble,
      onMissed: (missed) => this.log.emit({ event: 'freshness.missed', ...missed }),
      onRestored: (restored) => this.log.emit({ event: 'freshness.restored', ...restored }),
    });
    this.#failures = new FailureWatch({
      after: config.alertAfter,
      onFailing: (failing) => this.log.emit({ event: 'refresh.failing', ...failing }),
      onRecovered: (recovered) => this.log.emit({ event: 'refresh.recovered', ...recovered }),
    });
  }

  /** The name of the database, for alerts. */
  set database(name: string) {
    if (this.#alerts !== undefined) this.#alerts.database = name;
  }

  serve(graph: ServedGraph): void {
    this.freshness.serve(graph);
    this.#failures.serve(graph);
  }

  /** These views have become stale, or have come due. Who looks once does not stay to see what becomes of them. */
  stale(views: readonly number[]): void {
    if (!this.#once) this.freshness.stale(views);
  }

  async swept(stale: readonly StaleView[]): Promise<void> {
    if (!this.#once) await this.freshness.swept(new Set(stale.map(({ id }) => id)));
  }

  /** Somebody has called for a stale view: it may have been resumed. */
  async look(): Promise<void> {
    if (!this.#once) await this.freshness.look();
  }

  absorbed(view: ServedView, absorbed: Absorbed): void {
    this.#failures.ended(view.id, 'refreshed');
    if (isWhole(absorbed)) this.freshness.absorbed(view.id, absorbed.durationMs);
  }

  skipped(view: ServedView, because: Parameters<FreshenerOptions['onSkipped']>[2]): void {
    if (because === 'fresh' || because === 'absorbed') {
      this.#failures.ended(view.id, 'refreshed');
      this.freshness.refreshed(view.id);
    } else if (because === 'paused') {
      this.#failures.ended(view.id, 'paused');
      this.freshness.refreshed(view.id);
    }
  }

  failed(view: ServedView, { attempt, error, sqlstate }: Failure): void {
    this.#failures.failed(view, { attempt, error: messageOf(error), sqlstate: sqlstate ?? null });
  }

  /** Posts what is queued, for so long at most. Complete when it returns. Harmless twice. */
  async stop(alertsWithinMs: number): Promise<void> {
    await Promise.all([this.freshness.stop(), this.#alerts?.stop(alertsWithinMs)]);
  }
}
