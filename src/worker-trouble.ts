import { readServerFacts } from './catalog/server.js';
import type { Database } from './database/database.js';
import { isConnectionLoss, sqlstateOf } from './database/sqlstate.js';
import type { Log } from './report/log.js';
import { Outage } from './report/outage.js';
import { messageOf } from './worker-report.js';

export interface WorkerTroubleOptions {
  readonly database: Database;
  readonly log: Log;
  readonly isStopping: () => boolean;
  /** The database may be lost: for somebody to look who looks again until it is back. */
  readonly onLost: () => void;
  /** Somebody has removed the schema under the worker. Once. */
  readonly onUninstalled: () => void;
}

/** What goes wrong in a worker that goes on, and who is told of it: the log; nobody twice of a database that is lost. */
export class WorkerTrouble {
  readonly #options: WorkerTroubleOptions;
  readonly #outage: Outage;
  #isUninstalled = false;

  constructor(options: WorkerTroubleOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log);
  }

  get isUninstalled(): boolean {
    return this.#isUninstalled;
  }

  /** Something failed that is tried again, until it ends an outage. */
  again(what: string, error: unknown, attempt: number, retryInMs: number): void {
    if (isConnectionLoss(error)) this.#outage.lost(messageOf(error), sqlstateOf(error) ?? null, attempt, Math.round(retryInMs));
    else this.unlessUninstalled(error, () =>
      this.#options.log.error(`${what}; trying again.`, { err: error, attempt, retryInMs: Math.round(retryInMs) }));
  }

  /** The database answers. */
  restored(): void {
    this.#outage.restored();
  }

  /** Nobody waits for it, and its trouble is no trouble of the view's. */
  aside(what: string, work: Promise<void>): void {
    work.catch((error: unknown) => this.beside(what, error));
  }

  /** Trouble of something that nobody tries again. Whether the database is lost is for others to find out, and its end too. */
  beside(what: string, error: unknown): void {
    if (this.#options.isStopping()) return;
    if (isConnectionLoss(error)) this.#options.onLost();
    else this.unlessUninstalled(error, () => this.#options.log.error(`${what}.`, { err: error }));
  }

  /**
   * Tells of an error, but for one that comes of somebody's having removed the schema under us. To create again what was
   * just uninstalled would be wrong: then the worker says so, once, and ends.
   */
  unlessUninstalled(error: unknown, tell: () => void): void {
    const { database, log, onUninstalled } = this.#options;
    if (sqlstateOf(error) === undefined) tell();
    else void readServerFacts(database).then(({ schemaExists, database: name }) => {
      if (schemaExists) tell();
      else if (!this.#isUninstalled) {
        this.#isUninstalled = true;
        log.error(`The schema refresh_listener is no longer in database ${name}: the listener was uninstalled. This worker ends.`);
        onUninstalled();
      }
    }, () => {
      if (!this.#isUninstalled) tell();
    });
  }
}
