import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { countBatch, findReach, stretchBatch, stretchEnd, type Awaiting, type Batch } from '../../../src/freshen/summary/find-batch.js';
import { batchRows } from '../../../src/freshen/summary/watermark.js';
import { freshDatabase } from '../../worker/scene.js';

/** How each source makes its ids unique: the second by no index on the id alone. */
const sources = {
  plain: 'CREATE TABLE public.plain ("Id" bigint PRIMARY KEY, day int)',
  partitioned: `CREATE TABLE public.partitioned ("Id" bigint, day int, PRIMARY KEY ("Id", day)) PARTITION BY LIST (day);
    CREATE TABLE public.day_0 PARTITION OF public.partitioned FOR VALUES IN (0);
    CREATE TABLE public.day_1 PARTITION OF public.partitioned FOR VALUES IN (1)`,
} as const;

interface Scene {
  readonly source: keyof typeof sources;
  /** Of the rows, in order; of the partitioned source some may come twice. */
  readonly ids: readonly number[];
  readonly lastId: number;
  readonly gapIds: readonly number[];
  readonly limit: number;
  readonly most: number;
}

const scenes = fc.record({
  source: fc.constantFrom('plain' as const, 'partitioned' as const),
  present: fc.array(fc.constantFrom(0, 1, 1, 1, 1, 2), { minLength: 1, maxLength: 30 }),
  lastId: fc.integer({ min: -2, max: 20 }),
  inGap: fc.array(fc.boolean(), { minLength: 22, maxLength: 22 }),
  limit: fc.integer({ min: 1, max: 25 }),
  most: fc.integer({ min: 0, max: 12 }),
}).map(({ source, present, lastId, inGap, limit, most }): Scene => ({
  source, lastId, limit, most,
  ids: present.flatMap((times, id) => Array.from({ length: source === 'plain' ? Math.min(1, times) : times }, () => id)),
  gapIds: inGap.flatMap((isIn, index) => (isIn && index - 2 <= lastId ? [index - 2] : [])),
}));

/** What a batch should be, by going from row to row. */
function expected({ ids, lastId, gapIds, limit, most }: Scene, found: readonly number[]): Pick<Batch, 'fresh' | 'lastId' | 'holes' | 'complete'> & { readonly rows: readonly number[] } {
  const beyond = ids.filter((id) => id > lastId);
  const ahead = beyond.slice(0, limit - found.length);
  const holes: string[] = [];
  let [last, fresh] = [lastId, 0];
  const free = Math.max(0, most - rangesOf(gapIds).length);
  for (const id of ahead) {
    if (id > last + 1) {
      if (holes.length === free) break;
      holes.push(`[${last + 1},${id})`);
    }
    last = id;
    fresh += 1;
  }
  const complete = found.length + ahead.length < limit && fresh === ahead.length;
  return { fresh, lastId: String(last), holes: `{${holes.join(',')}}`, complete, rows: [...found, ...beyond.filter((id) => id <= last)].sort((a, b) => a - b) };
}

function rangesOf(ids: readonly number[]): string[] {
  const starts = ids.filter((id) => !ids.includes(id - 1));
  return starts.map((start) => {
    let end = start;
    while (ids.includes(end)) end += 1;
    return `[${start},${end})`;
  });
}

it('finds what a walk from row to row finds, also where two rows bear one id beside one that is missing', async () => {
  const db = await freshDatabase();
  const database = new Database(db.url('app'), 1);
  onTestFinished(() => database.close());
  for (const sql of Object.values(sources)) await db.app.query(sql);
  await fc.assert(fc.asyncProperty(scenes, async (scene) => {
    const { source, ids, lastId, gapIds, limit, most } = scene;
    const name = `public.${source}`;
    await db.app.query(`TRUNCATE ${name}`);
    await db.app.query(`INSERT INTO ${name} SELECT n.id, n.day - 1 FROM (SELECT id, row_number() OVER (PARTITION BY id) AS day FROM unnest($1::int8[]) AS id) AS n`, [ids]);
    await database.transaction('absorb', async (tx) => {
      const awaiting: Awaiting = {
        definition: { source: { schema: 'public', relation: source, name } }, idColumn: 'Id', lastId: String(lastId), gapIds: `{${rangesOf(gapIds).join(',')}}`, batch: limit,
      };
      const reach = await findReach(tx, awaiting);
      const batch = await countBatch(tx, awaiting, reach, most);
      const taken = await tx.rows<{ id: number }>(
        `SELECT r."Id"::int4 AS id FROM (${batchRows(name, 'Id', batch.found > 0)}) AS r ORDER BY 1`,
        [lastId, batch.lastId, ...(batch.found > 0 ? [batch.foundRanges] : [])],
      );
      // Which of the rows in gaps it takes is its own business, when they are more than a batch.
      const visible = ids.filter((id) => gapIds.includes(id));
      const found = taken.map(({ id }) => id).filter((id) => id <= lastId);
      if (batch.found === visible.length) expect(found).toEqual(visible);
      else expect(batch.found).toBe(limit);
      expect(found.every((id) => visible.includes(id))).toBe(true);
      const { rows, ...meant } = expected(scene, visible.slice(0, batch.found));
      expect(batch).toMatchObject(meant);
      if (batch.found === visible.length) expect(taken.map(({ id }) => id)).toEqual(rows);
      expect(batch.idsBehind).toBe(Math.max(0, (ids.at(-1) ?? -Infinity) - Number(batch.lastId)));

      const end = stretchEnd(awaiting, reach);
      const ahead = ids.filter((id) => id > lastId && id <= Number(end));
      const stretch = await stretchBatch(tx, awaiting, reach, { lastId: end, fresh: ahead.length }, most);
      const counted = expected({ ...scene, ids: ids.filter((id) => id <= Number(end)), limit: Infinity }, []);
      if (Number(end) > lastId && (ahead.length === 0 || counted.fresh < ahead.length)) expect(stretch).toBeUndefined();
      else {
        const { fresh, lastId: last, holes } = counted;
        expect(stretch).toMatchObject({ fresh, lastId: last, holes, found: batch.found, idsBehind: Math.max(0, (ids.at(-1) ?? -Infinity) - Number(last)) });
        expect(stretch?.complete).toBe(batch.found < limit && Math.max(lastId, ids.at(-1) ?? -Infinity) === Number(end));
      }
    });
  }), { numRuns: 300 });
});
