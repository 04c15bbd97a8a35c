import type { ServedGraph, ServedView } from '../catalog/graph.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import type { ListenerEvent } from '../report/event.js';
import type { Log } from '../report/log.js';
import { bindProblem } from './bind-problem.js';
import { DatabaseReader } from './database-reading.js';
import { HttpServer, text, type Page } from './http-server.js';
import { Metrics } from './metrics.js';
import type { MissedTarget } from './misses.js';
import { Readiness, type ReadinessReport } from './readiness.js';
import type { WorkerReading } from './worker-metrics.js';

export interface HealthEndpointOptions {
  readonly config: Pick<Config, 'host' | 'origins' | 'databaseUrl'> & { readonly port: number };
  readonly log: Log;
  /** What the worker serves now. */
  readonly graph: () => ServedGraph;
  readonly rings: () => WorkerReading['rings'];
  /** The views that are over their freshness targets. */
  readonly overTarget: () => readonly MissedTarget[];
  /** How long a view may be stale, in ms. */
  readonly targetMs: (view: ServedView) => number;
  readonly isStopping: () => boolean;
}

/**
 * Tells of a worker's health over HTTP: /healthz, /readyz and /metrics. It starts before the worker changes anything, and
 * stops when nothing else is left of it.
 */
export class HealthEndpoint {
  readonly #options: HealthEndpointOptions;
  readonly #readiness = new Readiness();
  readonly #metrics = new Metrics();
  readonly #reader: DatabaseReader;
  readonly #server: HttpServer;

  constructor(options: HealthEndpointOptions) {
    this.#options = options;
    const { log, config } = options;
    this.#reader = new DatabaseReader({
      open: () => new Database(config.databaseUrl, 1),
      // The worker itself tells of a database that is lost.
      onTrouble: (error) => log.debug('The database could not be read for a scrape.', { err: error }),
    });
    this.#server = new HttpServer({
      // That it answers at all is the answer.
      pages: { '/healthz': () => text(200, 'alive'), '/readyz': () => this.#readyPage(), '/metrics': () => this.#metricsPage() },
      onTrouble: (error) => log.error('An answer about health or metrics failed.', { err: error }),
    });
  }

  /** To be told each event of the worker. */
  note(event: ListenerEvent): void {
    this.#readiness.note(event);
    this.#metrics.note(event);
  }

  /**
   * Returns when it answers.
   *
   * @returns the port
   * @throws UsageError when it cannot listen there
   */
  async start(): Promise<number> {
    const { config, log } = this.#options;
    try {
      const port = await this.#server.start(config.port, config.host);
      const host = config.host.includes(':') ? `[${config.host}]` : config.host;
      log.info(`Telling of health and metrics at http://${host}:${port}: /healthz, /readyz, /metrics.`, { host: config.host, port });
      return port;
    } catch (error) {
      throw bindProblem(error as NodeJS.ErrnoException, config);
    }
  }

  /** Complete when it returns: no socket is left. At once, whoever is asking. Harmless twice, and before a start. */
  async stop(): Promise<void> {
    await Promise.all([this.#server.stop(), this.#reader.stop()]);
  }

  #readyPage(): Page {
    const report = this.#report();
    return { status: report.ready ? 200 : 503, contentType: 'application/json', body: `${JSON.stringify(report)}\n` };
  }

  async #metricsPage(): Promise<Page> {
    const ids = [...this.#options.graph().views.keys()];
    const reading = await this.#reader.read(ids);
    // As they are called now: a sweep may have ended meanwhile.
    const served = [...this.#options.graph().views.values()];
    const { ready, views } = this.#report();
    const worker = {
      ready, listening: this.#readiness.listening, rings: this.#options.rings(), overTarget: views,
      targetsMs: new Map(served.map((view) => [view.name, this.#options.targetMs(view)])),
    };
    const names = new Map(served.map(({ id, name }) => [id, name]));
    return { status: 200, contentType: this.#metrics.registry.contentType, body: await this.#metrics.text(names, worker, reading) };
  }

  #report(): ReadinessReport {
    return this.#readiness.report(this.#options.overTarget(), this.#options.isStopping());
  }
}
