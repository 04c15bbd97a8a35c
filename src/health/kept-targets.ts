import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const keepTargetsQuery = loadQuery('keep-targets');

/** A target that follows the last refresh moves with each: less than this part of it is not worth a write. */
const worthAWrite = 0.1;

/** Writes down the targets of views where `status` finds them; nothing while they stay about the same. */
export class KeptTargets {
  readonly #database: Database;
  readonly #kept = new Map<number, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  async keep(targets: ReadonlyMap<number, number>): Promise<void> {
    const changed = [...targets].filter(([id, ms]) => {
      const kept = this.#kept.get(id);
      return kept === undefined || Math.abs(ms - kept) > kept * worthAWrite;
    });
    if (changed.length === 0) return;
    const rows = await this.#database.rows<{ id: number }>(keepTargetsQuery, [changed.map(([id]) => id), changed.map(([, ms]) => ms)]);
    for (const { id } of rows) this.#kept.set(id, targets.get(id) ?? 0);
  }
}
