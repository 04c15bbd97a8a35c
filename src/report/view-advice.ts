import type { ServedView } from '../catalog/graph.js';
import { adviseUniqueIndex } from '../catalog/unique-index.js';
import { findClockedViews } from '../catalog/unwritten-change.js';
import type { ViewSettings } from '../config/view-settings.js';
import type { Database } from '../database/database.js';
import type { Log } from './log.js';

export interface ViewAdviceOptions {
  readonly database: Database;
  readonly log: Pick<Log, 'emit'>;
  readonly timesOf: (view: ServedView) => Pick<ViewSettings, 'maxAgeMs' | 'schedule'>;
}

/** Tells, once of each view, what would serve it better. */
export class ViewAdvice {
  readonly #options: ViewAdviceOptions;
  readonly #plain = new Set<number>();
  readonly #examined = new Set<number>();

  constructor(options: ViewAdviceOptions) {
    this.#options = options;
  }

  /** A view had to be refreshed while readers waited, for want of a unique index. */
  async plain({ oid }: Pick<ServedView, 'oid'>, name: string): Promise<void> {
    if (this.#plain.has(oid)) return;
    this.#plain.add(oid);
    const { database, log } = this.#options;
    const advice = await database.transaction('look', (tx) => adviseUniqueIndex(tx, oid));
    if (advice === undefined) return;
    log.emit({ event: 'view.plain', view: name, statement: advice.statement, certainty: advice.certainty });
  }

  /** Which of these views, as far as they are new, change without a write and have no time set? */
  async timeless(views: readonly ServedView[]): Promise<void> {
    const added = views.filter(({ oid }) => !this.#examined.has(oid));
    if (added.length === 0) return;
    const { database, log, timesOf } = this.#options;
    const clocked = await database.transaction('look', (tx) => findClockedViews(tx, added.map(({ oid }) => oid)));
    for (const { oid } of added) this.#examined.add(oid);
    for (const view of added) {
      const { maxAgeMs, schedule } = timesOf(view);
      const because = clocked.find(({ oid }) => oid === view.oid)?.because;
      if (because === undefined || maxAgeMs !== undefined || schedule !== undefined) continue;
      log.emit({ event: 'view.timeless', view: view.name, because });
    }
  }
}
