import { describe, expect, it } from 'vitest';
import { inOwnSession, ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

/** A view over public.t, and how to read it in one value. */
const wholeRows = ['CREATE MATERIALIZED VIEW public.mv AS SELECT t::pg_catalog.text AS line FROM public.t', "SELECT string_agg(line, ' ' ORDER BY line) FROM public.mv"] as const;
const moods = ['CREATE MATERIALIZED VIEW public.mv AS SELECT mood::pg_catalog.text AS line FROM public.t', "SELECT string_agg(line, ' ' ORDER BY line) FROM public.mv"] as const;
const moodLists = [moods[0].replace('mood::', 'moods::'), moods[1]] as const;

describe('changes that no trigger sees', () => {
  it.each([
    ['writes under session_replication_role = replica', 'counters', wholeRows, 'admin', ['SET session_replication_role = replica', "INSERT INTO public.t VALUES (2, 'fine', '{}')"], '(1,sad,{sad}) (2,fine,{})'],
    ['an added column, which has a default and costs no rewrite', 'columns', wholeRows, 'app', ["ALTER TABLE public.t ADD COLUMN extra text DEFAULT 'new'"], '(1,sad,{sad},new)'],
    ['a renamed label of an enum', 'columns', moods, 'app', ["ALTER TYPE public.mood RENAME VALUE 'sad' TO 'blue'"], 'blue'],
    ['a renamed label of an enum in an array', 'columns', moodLists, 'app', ["ALTER TYPE public.mood RENAME VALUE 'sad' TO 'blue'"], '{blue}'],
    ['a column that is written anew in another type', 'storage', wholeRows, 'app', ['ALTER TABLE public.t ALTER id TYPE numeric(10, 2)'], '(1.00,sad,{sad})'],
    ['VACUUM FULL, which changes nothing but may not be told from what does', 'storage', wholeRows, 'app', ['VACUUM FULL public.t'], '(1,sad,{sad})'],
    ['TRUNCATE with the triggers off', 'storage', wholeRows, 'admin', ['SET session_replication_role = replica', 'TRUNCATE public.t'], null],
  ] as const)('%s: told as "%s", and absorbed once', async (_, because, [view, reading], role, statements, expected) => {
    const db = await ownDatabase();
    await db.app.query(`
      CREATE TYPE public.mood AS ENUM ('sad', 'fine');
      CREATE TABLE public.t (id int, mood public.mood, moods public.mood[]); INSERT INTO public.t VALUES (1, 'sad', '{sad}')`);
    await db.worker.query(view);
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, role, ...statements);
    expect(await worker.events.next('change.unseen', () => true, from)).toMatchObject({ source: 'public.t', views: ['public.mv'], because });
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'sweep', sources: [] });
    expect(await valueOf(db, reading)).toBe(expected);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('are told of all the views that read the source, and of no others', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public.t (id int); CREATE TABLE public.other (id int)');
    await db.worker.query(`
      CREATE MATERIALIZED VIEW public.mv_a AS SELECT count(*)::int AS n FROM public.t;
      CREATE MATERIALIZED VIEW public.mv_b AS SELECT max(id) AS n FROM public.t;
      CREATE MATERIALIZED VIEW public.mv_c AS SELECT count(*)::int AS n FROM public.other`);
    const worker = await startServing(db, ['mv_*'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'admin', 'SET session_replication_role = replica', 'INSERT INTO public.t VALUES (7)');
    const { views } = await worker.events.next('change.unseen', () => true, from);
    expect([...views].sort()).toEqual(['public.mv_a', 'public.mv_b']);
    await Promise.all(views.map((view) => worker.events.next('refresh.done', (done) => done.view === view, from)));
    expect([await valueOf(db, 'SELECT n FROM public.mv_a'), await valueOf(db, 'SELECT n FROM public.mv_b')]).toEqual([1, 7]);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(2);
  });

  it('are found by a worker that was not there when they were made', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public.t (id int)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*)::int AS n FROM public.t');
    const first = await startServing(db, ['mv'], sweeping);
    await first.stop();
    await inOwnSession(db, 'admin', 'SET session_replication_role = replica', 'INSERT INTO public.t VALUES (7)');
    const second = await startServing(db, ['mv']);
    expect(second.events.of('change.unseen')).toMatchObject([{ source: 'public.t', because: 'counters' }]);
    expect(await valueOf(db, 'SELECT n FROM public.mv')).toBe(1);
  });
});
