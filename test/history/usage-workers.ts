import { setTimeout as pause } from 'node:timers/promises';
import type { TestDatabase } from '../support/database.js';
import type { EventRecord } from '../support/event-record.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';
import { afterSnapshot, strikeAt } from './absorb-points.js';
import { usageTables } from './usage.js';
import type { Blow } from './usage-history.js';

/** How long a blow waits for an absorb to come to its point. */
const pointMs = 1_000;
const slowTimes = 6;

/** Worker processes of one history, each serving all summaries. Who is killed is followed by another one. */
export class UsageWorkers {
  readonly #db: TestDatabase;
  readonly #args: readonly string[];
  readonly #present: WorkerProcess[] = [];
  readonly records: EventRecord[] = [];
  readonly #blows = new Map<string, number>();

  constructor(db: TestDatabase, args: readonly string[]) {
    this.#db = db;
    this.#args = args;
  }

  get present(): EventRecord[] {
    return this.#present.map((worker) => worker.events);
  }

  /** Where absorbs were struck, and how often. */
  get blows(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#blows);
  }

  /** What workers have called a failure, to be printed with the faults. */
  get failures(): string[] {
    return this.records.flatMap((record) => record.of('refresh.failed')).map(({ view, sqlstate, error }) => `${view}: ${sqlstate ?? ''} ${error}`);
  }

  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#begin(index)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#present.map((worker) => worker.kill()));
  }

  async strike({ afterMs, what, point, pick, forMs }: Blow): Promise<void> {
    await pause(afterMs);
    const all = [...this.#present.keys()];
    if (what === 'die') await this.#killAndFollow([pick % all.length]);
    else if (what === 'absent') await this.#killAndFollow(all, forMs);
    else if (what === 'slow') {
      let struck = true;
      for (let times = 0; struck && times < slowTimes; times += 1) {
        struck = await strikeAt(this.#db, afterSnapshot, pointMs, () => pause(forMs / slowTimes));
        if (struck) this.#count('slow');
      }
    }
    else {
      const struck = await strikeAt(this.#db, point, pointMs, async (waiting) => {
        if (what === 'die at') await Promise.all(this.#present.map((worker) => worker.kill()));
        else await this.#db.admin.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [waiting]);
      });
      if (struck) this.#count(`${what}: ${point.name}`);
      if (struck && what === 'die at') await Promise.all(all.map((index) => this.#begin(index)));
    }
  }

  #count(what: string): void {
    this.#blows.set(what, (this.#blows.get(what) ?? 0) + 1);
  }

  async #killAndFollow(indexes: readonly number[], absentMs = 0): Promise<void> {
    await Promise.all(this.#present.filter((_, index) => indexes.includes(index)).map((worker) => worker.kill()));
    await pause(absentMs);
    await Promise.all(indexes.map((index) => this.#begin(index)));
  }

  /** Returns when it serves; a worker that a cut session kept from starting is followed by another. */
  async #begin(index: number, attemptsLeft = 5): Promise<void> {
    const worker = spawnWorker(this.#db.url('worker'), usageTables.map(({ summary }) => summary), this.#args);
    this.#present[index] = worker;
    this.records.push(worker.events);
    const status = await Promise.race([worker.events.next('ready').then(() => 'ready' as const), worker.exited]);
    if (status === 'ready') return;
    if (attemptsLeft === 1) throw new Error(`a worker ended with ${String(status)}: ${worker.output.join('\n')}`);
    await this.#begin(index, attemptsLeft - 1);
  }
}
