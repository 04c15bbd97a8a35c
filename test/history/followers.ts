import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../src/config/config.js';
import type { TestDatabase } from '../support/database.js';
import type { EventRecord } from '../support/event-record.js';
import { makeWorker, type TestWorker } from '../support/test-worker.js';
import type { Disturbance } from './history.js';

/** The workers of one history, in this process. Each can go away and be followed by another one. */
export class Followers {
  readonly #db: TestDatabase;
  readonly #allowlists: readonly (readonly string[])[];
  readonly #overrides: Partial<Config>;
  readonly #present: TestWorker[] = [];
  /** Records of all the workers there ever were. */
  readonly records: EventRecord[] = [];

  /** @param allowlists one for each worker; they may overlap */
  constructor(db: TestDatabase, allowlists: readonly (readonly string[])[], overrides: Partial<Config>) {
    this.#db = db;
    this.#allowlists = allowlists;
    this.#overrides = overrides;
  }

  /** Records of the workers that work now. */
  get present(): EventRecord[] {
    return this.#present.map((worker) => worker.events);
  }

  get refreshes(): number {
    return this.records.reduce((sum, record) => sum + record.of('refresh.done').length, 0);
  }

  async start(): Promise<void> {
    await Promise.all(this.#allowlists.map((_, index) => this.#begin(index)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#present.map((worker) => worker.stop()));
  }

  async disturb({ afterMs, what, pick, forMs }: Disturbance): Promise<void> {
    await pause(afterMs);
    const index = pick % this.#allowlists.length;
    if (what === 'terminate') await this.#terminate('listener%', pick % 3 + 1);
    else if (what === 'deafen') await this.#terminate('listener (doorbell)', 1);
    else {
      await this.#present[index]?.stop();
      await pause(what === 'absent' ? forMs * 2 : forMs / 4);
      await this.#begin(index);
    }
  }

  /** A start may meet a terminated session; then another worker is started, as whoever runs them would do. */
  async #begin(index: number, attemptsLeft = 5): Promise<void> {
    const worker = makeWorker(this.#db.url('worker'), this.#allowlists[index] ?? [], this.#overrides);
    this.#present[index] = worker;
    this.records.push(worker.events);
    try {
      await worker.worker.start();
    } catch (error) {
      await worker.stop();
      if (attemptsLeft === 1) throw error;
      await this.#begin(index, attemptsLeft - 1);
    }
  }

  async #terminate(applicationName: string, sessions: number): Promise<void> {
    await this.#db.admin.query(
      `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE $1 ORDER BY random() LIMIT $2) AS s`,
      [applicationName, sessions],
    );
  }
}
