import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../support/database.js';
import { absorbPointsOf, strikeAt } from '../../history/absorb-points.js';
import { valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from './scene.js';

const beginFillAgain = `TRUNCATE public.hourly; DELETE FROM refresh_listener.gap; UPDATE refresh_listener.watermark SET last_id = first_id;
  UPDATE refresh_listener.summary SET filled_at = NULL, fill_began_at = NULL`;

/** What makes an absorb, and points that it does not come to. */
const kinds: readonly { readonly name: string; readonly prepare: (db: TestDatabase) => Promise<unknown>; readonly past: readonly string[] }[] = [
  { name: 'a merge', prepare: (db) => rollsBackAndAdds(db), past: [] },
  { name: 'a repair', prepare: async (db) => {
    await rollsBackAndAdds(db);
    await db.app.query('UPDATE public.events SET bytes = bytes + 1 WHERE id % 9 = 2');
    await db.app.query('DELETE FROM public.events WHERE id IN (SELECT id FROM public.events ORDER BY id LIMIT 3)');
  }, past: [] },
  { name: 'a restart of ids', prepare: async (db) => {
    await db.app.query('TRUNCATE public.events RESTART IDENTITY');
    await rollsBackAndAdds(db);
  }, past: [] },
  { name: 'a fill', prepare: async (db) => {
    await rollsBackAndAdds(db);
    await db.worker.query(beginFillAgain);
  }, past: [] },
];

/** So that there is a gap to write. */
async function rollsBackAndAdds(db: TestDatabase): Promise<void> {
  await db.app.query(`BEGIN; INSERT INTO public.events (occurred_at) VALUES (now()); ROLLBACK`);
  await addEvents(db, 30);
}

describe.each(kinds)('an absorb that makes $name', ({ prepare, past }) => {
  it('is made good wherever its session is ended', { timeout: 60_000 }, async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const struck: string[] = [];
    const points = absorbPointsOf('hourly');
    for (const point of points) {
      await prepare(db);
      const before = await image(db);
      let absorbing: Promise<string> = Promise.resolve('');
      const wasStruck = await strikeAt(db, point, 3_000, async (waiting) => {
        await db.admin.query('SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) AS pid', [waiting]);
        await absorbing;
      }, () => {
        absorbing = hourly.absorb().then(({ outcome }) => outcome, (error: unknown) => String(error));
      });
      if (wasStruck) {
        struck.push(point.name);
        expect(await absorbing).toContain('terminat');
        expect(await image(db)).toBe(before);
      }
      await hourly.absorb();
      expect(await wrongRows(db), point.name).toBe(0);
    }
    expect(struck).toEqual(points.map(({ name }) => name).filter((name) => !past.includes(name)));
  });
});

/** All that an absorb writes, as far as a half of it would show. */
async function image(db: TestDatabase): Promise<string> {
  return valueOf<string>(db.admin, `SELECT concat_ws(' ',
    (SELECT md5(string_agg(h::text, ' ' ORDER BY h::text)) FROM public.hourly AS h), (SELECT last_id FROM refresh_listener.watermark),
    (SELECT string_agg(g::text, ' ' ORDER BY g.id) FROM refresh_listener.gap AS g), (SELECT cursor FROM refresh_listener.view WHERE kind = 'summary'),
    (SELECT count(*) FROM refresh_listener.run), (SELECT s::text FROM refresh_listener.summary AS s))`);
}
