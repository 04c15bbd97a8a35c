import type { BenchDatabase } from '../server.js';
import { absorbAll, createBare, createSummary, differences, dropSummary, insertBare, type CatchUp } from './subject.js';
import type { Events } from './events.js';

export interface Round {
  readonly ours: CatchUp;
  readonly bareMs: number;
}

/** Rounds of each: the summary, and then `INSERT ... SELECT ... GROUP BY` of the same rows into an empty table with the same key. */
export interface CatchUps {
  readonly fill: readonly Round[];
  readonly absorb: readonly Round[];
}

/**
 * Fills a summary, and has it absorb many new rows at once.
 *
 * @throws when it is wrong afterwards: then its speed means nothing
 */
export async function catchUps(database: BenchDatabase, events: Events, { rounds, newRows }: { readonly rounds: number; readonly newRows: number }): Promise<CatchUps> {
  const name = `public.${events.table}_anew`;
  const [app, owner, admin] = [await database.connect('app'), await database.connect('listener'), await database.connect('admin')];
  const greatest = async (): Promise<string> => (await app.query<{ id: string }>(`SELECT max(id)::text AS id FROM public.${events.table}`)).rows[0]?.id ?? '0';
  const bare = async (afterId: string): Promise<number> => {
    await createBare(owner, name);
    await admin.query('CHECKPOINT');
    return insertBare(owner, events, afterId);
  };
  const [fill, absorb]: [Round[], Round[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await createSummary(database, events, name);
    await admin.query('CHECKPOINT');
    const filled = await absorbAll(database, name);
    fill.push({ ours: filled, bareMs: await bare('0') });
    const before = await greatest();
    await app.query(events.newRows(newRows));
    await app.query(`ANALYZE public.${events.table}`);
    await admin.query('CHECKPOINT');
    const absorbed = await absorbAll(database, name);
    absorb.push({ ours: absorbed, bareMs: await bare(before) });
    const wrong = round === rounds - 1 ? await differences(owner, events, name) : 0;
    if (wrong > 0) throw new Error(`${name} differs from its query in ${wrong} rows`);
    await dropSummary(database, name);
  }
  return { fill, absorb };
}
