import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { choreFor, choreStatement, readDeadRows, readOwnDeadRows, readVacuumHorizon, type Chore, type DeadRows } from '../catalog/dead-rows.js';
import type { ServedView } from '../catalog/graph.js';
import type { Backend, Database } from '../database/database.js';
import { classifyFailure, sqlstateOf } from '../database/sqlstate.js';
import { cancelBackend, mostYields, watchRightOfWay } from './right-of-way.js';

/** What was done for a view. Rows as the server counts them. */
export interface Tidied {
  readonly chore: Chore;
  /** As it is called now. */
  readonly name: string;
  readonly deadRows: number;
  /** Those that stay, since an open transaction might still see them. */
  readonly deadRowsLeft: number;
  readonly changedRows: number;
  readonly durationMs: number;
}

export interface UpkeepOptions {
  readonly database: Database;
  readonly onTidied: (view: ServedView, tidied: Tidied) => void;
  /** It failed. It is tried again after the next refresh, or in the next sweep. */
  readonly onTrouble: (error: unknown) => void;
}

/** Limits of a VACUUM: it waits for nobody, and may take its time. */
const limits = { lockTimeoutMs: 1_000, statementTimeoutMs: 0 };
/** Somebody has it locked, or has dropped or renamed it a moment ago. */
const passedOver = new Set(['55P03', '42P01']);
const cancelAgainMs = 100;

/** Our own tables stand in the queue like a view. */
const ours = 'ours';
type Subject = number | typeof ours;

/** What is being tidied now. */
interface Work {
  readonly subject: Subject;
  backend: Backend | undefined;
  /** It is to end as soon as it can. */
  ending: boolean;
  ended: Promise<void>;
}

/**
 * Clears dead rows and renews statistics of views, in the pause after a refresh, and of the worker's own tables. A concurrent refresh
 * leaves each changed row dead, and its lock drives autovacuum away; a plain one leaves a table without statistics.
 *
 * One at a time, and in nobody's way: a table that somebody has locked is left alone; who waits behind a vacuum has it
 * cancelled, and so has the next refresh of the view, up to `mostYields` times in a row: then that waits for once, since a view that is
 * never cleared grows without end.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #waiting = new Map<Subject, ServedView | undefined>();
  /** By table: dead rows could not be cleared, and will not be before transactions below this have ended. */
  readonly #clearableFrom = new Map<number, bigint>();
  /** By view: how often in a row a refresh came first. */
  readonly #yields = new Map<number, number>();
  #work: Work | undefined;
  #stopped = false;
  #settled: (() => void)[] = [];

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** A view was refreshed, and rests: sees to it, if there is anything to do. */
  tidy(view: ServedView): void {
    this.#waiting.set(view.id, view);
    this.#next();
  }

  /** Sees to the worker's own tables. */
  tidyOurs(): void {
    this.#waiting.set(ours, undefined);
    this.#next();
  }

  /** A refresh of this view is due. Returns when nothing is done for it any more. */
  async giveWay(view: number): Promise<void> {
    this.#waiting.delete(view);
    const work = this.#work;
    if (work?.subject !== view) return;
    const yields = this.#yields.get(view) ?? 0;
    if (yields < mostYields) {
      if (!work.ending) this.#yields.set(view, yields + 1);
      void this.#end(work);
    }
    await work.ended;
  }

  /** Resolves when there is nothing to do. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#next();
    });
  }

  /** Complete when it returns: what was being done has been cancelled. Harmless twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    if (this.#work !== undefined) await this.#end(this.#work);
    this.#next();
  }

  #next(): void {
    if (this.#work !== undefined) return;
    const [first] = this.#waiting;
    if (first === undefined || this.#stopped) {
      for (const resolve of this.#settled.splice(0)) resolve();
      return;
    }
    const [subject, view] = first;
    this.#waiting.delete(subject);
    const work: Work = { subject, backend: undefined, ending: false, ended: Promise.resolve() };
    this.#work = work;
    work.ended = this.#run(work, view).catch((error: unknown) => {
      if (!this.#stopped) this.#options.onTrouble(error);
    }).finally(() => {
      this.#work = undefined;
      this.#next();
    });
  }

  async #run(work: Work, view: ServedView | undefined): Promise<void> {
    const { database } = this.#options;
    const tables = await database.transaction('look', (tx) => (view === undefined ? readOwnDeadRows(tx) : readDeadRows(tx, [view.oid])));
    for (const table of tables) {
      const chore = choreFor(table, await this.#isClearable(table));
      if (chore === undefined || work.ending) continue;
      const startedAt = performance.now();
      if (!(await this.#carryOut(work, chore, table))) continue;
      const durationMs = performance.now() - startedAt;
      const after = await this.#lookAfter(table, chore);
      if (view === undefined || after === undefined) continue;
      this.#yields.delete(view.id);
      const { name, deadRows, changedRows } = table;
      this.#options.onTidied(view, { chore, name, deadRows, deadRowsLeft: after.deadRows, changedRows, durationMs });
    }
  }

  /** Whether a vacuum could clear more than the one before, which left what somebody might still see. */
  async #isClearable({ oid }: DeadRows): Promise<boolean> {
    const from = this.#clearableFrom.get(oid);
    if (from === undefined) return true;
    const { horizon } = await this.#options.database.transaction('look', readVacuumHorizon);
    return horizon >= from;
  }

  /** @returns whether it came to its end: not when it gave way, had no lock, or there is no session to do it in */
  async #carryOut(work: Work, chore: Chore, table: DeadRows): Promise<boolean> {
    const { database, onTrouble } = this.#options;
    const done = new AbortController();
    let watching: Promise<unknown> = Promise.resolve();
    try {
      return await database.outsideTransaction(choreStatement(chore, table), limits, (backend) => {
        work.backend = backend;
        // Whoever waits comes first, as with autovacuum.
        watching = watchRightOfWay(database, { transaction: backend, plan: 'concurrent' }, table.oid, 0, { signal: done.signal, onTrouble });
      });
    } catch (error) {
      if (classifyFailure(error) === 'cancelled' || passedOver.has(sqlstateOf(error) ?? '')) return false;
      throw error;
    } finally {
      work.backend = undefined;
      done.abort();
      await watching;
    }
  }

  /** What is left. Undefined when it was skipped, since somebody had it locked, or is gone. */
  async #lookAfter(before: DeadRows, chore: Chore): Promise<DeadRows | undefined> {
    return this.#options.database.transaction('look', async (tx) => {
      const [after] = await readDeadRows(tx, [before.oid]);
      if (after === undefined || (chore === 'vacuum' ? after.vacuums === before.vacuums : after.analyzes === before.analyzes)) return undefined;
      if (chore === 'vacuum' && after.deadRows > after.vacuumFrom) this.#clearableFrom.set(after.oid, (await readVacuumHorizon(tx)).next);
      else if (chore === 'vacuum') this.#clearableFrom.delete(after.oid);
      return after;
    });
  }

  /** Cancels what is being done, until it has ended: a cancel that comes between two statements is lost. */
  async #end(work: Work): Promise<void> {
    work.ending = true;
    while (this.#work === work) {
      if (work.backend !== undefined) await cancelBackend(this.#options.database, work.backend.pid).catch(this.#options.onTrouble);
      await Promise.race([work.ended, pause(cancelAgainMs)]);
    }
  }
}
