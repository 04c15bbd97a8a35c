import { describe, expect, it } from 'vitest';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

describe('names that must be quoted', () => {
  it('in schema, table, view and columns, of a table that the worker owns or does not', async () => {
    const db = await ownDatabase();
    const schema = '"Odd.Schema ""x"""';
    await db.admin.query(`CREATE SCHEMA ${schema}; GRANT ALL ON SCHEMA ${schema} TO PUBLIC`);
    await db.app.query(`CREATE TABLE ${schema}."Order Line.s" ("Cust ""o""mer.Id" int, "select" int); INSERT INTO ${schema}."Order Line.s" VALUES (1, 1), (NULL, 2)`);
    await db.worker.query(`
      CREATE TABLE ${schema}."user; --" ("É" int); INSERT INTO ${schema}."user; --" VALUES (100);
      CREATE MATERIALIZED VIEW ${schema}."MV ""top"".A'b\\c" AS
        SELECT "Cust ""o""mer.Id", sum("select" + "É")::int AS "Sum" FROM ${schema}."Order Line.s" CROSS JOIN ${schema}."user; --" GROUP BY 1;
      CREATE UNIQUE INDEX ON ${schema}."MV ""top"".A'b\\c" ("Cust ""o""mer.Id")`);
    const worker = await startServing(db, [`${schema}."MV ""top"".A'b\\c"`], sweeping);
    const from = worker.events.mark;
    await db.app.query(`UPDATE ${schema}."Order Line.s" SET "select" = 5 WHERE "select" = 1`);
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({
      view: `${schema}."MV ""top"".A'b\\c"`, plan: 'concurrent', sources: [`${schema}."Order Line.s"`], inserted: 1, deleted: 1,
    });
    const later = worker.events.mark;
    await db.worker.query(`UPDATE ${schema}."user; --" SET "É" = 200`);
    expect(await worker.events.next('refresh.done', () => true, later)).toMatchObject({ sources: [`${schema}."user; --"`] });
    expect(await valueOf(db, `SELECT array_agg("Sum" ORDER BY "Sum") FROM ${schema}."MV ""top"".A'b\\c"`)).toEqual([202, 205]);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.complaints).toEqual([]);
  });

  it('as long as a name may be, and in letters of several bytes', async () => {
    const db = await ownDatabase();
    const [table, view] = ['t'.repeat(63), 'ü'.repeat(31)];
    await db.app.query(`CREATE TABLE public.${table} (id int)`);
    await db.worker.query(`CREATE MATERIALIZED VIEW public.${view} AS SELECT count(*)::int AS n FROM public.${table}`);
    const worker = await startServing(db, [view]);
    const from = worker.events.mark;
    await db.app.query(`INSERT INTO public.${table} VALUES (1)`);
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, `SELECT n FROM public.${view}`)).toBe(1);
  });
});

describe('two views of one name in two schemas', () => {
  it('are told apart', async () => {
    const db = await ownDatabase();
    await db.admin.query('CREATE SCHEMA north; CREATE SCHEMA south; GRANT ALL ON SCHEMA north, south TO PUBLIC');
    for (const schema of ['north', 'south']) {
      await db.app.query(`CREATE TABLE ${schema}.sale (amount int)`);
      await db.worker.query(`CREATE MATERIALIZED VIEW ${schema}.mv AS SELECT sum(amount)::int AS total FROM ${schema}.sale`);
    }
    const worker = await startServing(db, ['*.mv']);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO north.sale VALUES (1)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'north.mv', sources: ['north.sale'] });
    await db.app.query('INSERT INTO south.sale VALUES (2)');
    expect(await worker.events.next('refresh.done', (done) => done.view === 'south.mv', from)).toMatchObject({ sources: ['south.sale'] });
    expect(worker.events.of('refresh.done', from)).toHaveLength(2);
    expect([await valueOf(db, 'SELECT total FROM north.mv'), await valueOf(db, 'SELECT total FROM south.mv')]).toEqual([1, 2]);
  });
});
