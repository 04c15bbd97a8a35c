import { Registry } from 'prom-client';
import type { ListenerEvent } from '../report/event.js';
import { DatabaseMetrics } from './database-metrics.js';
import type { Reading } from './database-reading.js';
import { EventMetrics } from './event-metrics.js';
import { processRegistry } from './process-registry.js';
import { WorkerMetrics, type WorkerReading } from './worker-metrics.js';

/** Everything that /metrics shows, in a registry of its own. */
export class Metrics {
  /** What is about the process is common to all workers in it. */
  readonly registry: Registry;
  readonly #events: EventMetrics;
  readonly #database: DatabaseMetrics;
  readonly #worker: WorkerMetrics;

  constructor() {
    const own = new Registry();
    this.#database = new DatabaseMetrics(own);
    this.#events = new EventMetrics(own);
    this.#worker = new WorkerMetrics(own);
    this.registry = Registry.merge([own, processRegistry()]);
  }

  note(event: ListenerEvent): void {
    this.#events.note(event);
    this.#worker.note(event);
  }

  /**
   * All metrics as Prometheus reads them.
   *
   * @param names of the served views, by id
   * @param reading undefined: the database did not answer
   */
  async text(names: ReadonlyMap<number, string>, worker: WorkerReading, reading: Reading | undefined): Promise<string> {
    await this.#events.serve(new Set(names.values()));
    this.#worker.show(names.size, worker);
    this.#database.show(reading, names);
    return this.registry.metrics();
  }
}
