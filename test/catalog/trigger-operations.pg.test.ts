import { describe, expect, it } from 'vitest';
import { TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

describe('what the trigger writes down', () => {
  it.each([
    ['INSERT', 'I', (name: string) => `INSERT INTO ${name} VALUES (3, 3)`],
    ['UPDATE', 'U', (name: string) => `UPDATE ${name} SET amount = 9`],
    ['an UPDATE that leaves the values as they were', 'U', (name: string) => `UPDATE ${name} SET amount = amount WHERE id = 1`],
    ['DELETE', 'D', (name: string) => `DELETE FROM ${name} WHERE id = 1`],
    ['TRUNCATE', 'T', (name: string) => `TRUNCATE ${name}`],
    ['a statement over 1,000 rows', 'I', (name: string) => `INSERT INTO ${name} SELECT i, i FROM generate_series(11, 1010) AS i`],
    ['a data-modifying CTE', 'U', (name: string) => `WITH changed AS (UPDATE ${name} SET amount = 0 RETURNING id) SELECT count(*) FROM changed`],
  ])('%s: one row, one ring', async (_, operation, statement) => {
    const source = await scene.table();
    await scene.database.app.query(statement(source.name));
    expect(await scene.operations(source)).toBe(operation);
    expect(await scene.rings(source)).toBe(1);
  });

  it('of a transaction a row for each statement, and one ring', async () => {
    const source = await scene.table();
    await scene.database.app.query(`BEGIN; INSERT INTO ${source.name} VALUES (3, 3); UPDATE ${source.name} SET amount = 0; DELETE FROM ${source.name}; COMMIT`);
    expect(await scene.operations(source)).toBe('IUD');
    expect(await scene.rings(source)).toBe(1);
  });

  it('COPY', async () => {
    const source = await scene.table();
    // PROGRAM is for superusers; what the trigger sees is the same for COPY FROM STDIN.
    await scene.database.admin.query(`COPY ${source.name} FROM PROGRAM 'printf "3,3\\n4,4\\n"' WITH (FORMAT csv)`);
    expect(await scene.operations(source)).toBe('I');
  });

  it('INSERT ... ON CONFLICT DO UPDATE, whichever of the two it came to', async () => {
    const [inserting, updating] = [await scene.table(), await scene.table()];
    for (const [source, id] of [[inserting, 3], [updating, 1]] as const) {
      await scene.database.app.query(`INSERT INTO ${source.name} VALUES (${id}, 0) ON CONFLICT (id) DO UPDATE SET amount = 7`);
      expect(await scene.operations(source)).toMatch(/^(IU|UI)$/);
      expect(await scene.rings(source)).toBe(1);
    }
  });

  it('MERGE', async () => {
    const source = await scene.table();
    await scene.database.app.query(`
      MERGE INTO ${source.name} AS t USING (VALUES (1), (2), (3)) AS new (id) ON t.id = new.id
      WHEN MATCHED AND t.id = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = 0 WHEN NOT MATCHED THEN INSERT VALUES (new.id, 0)`);
    expect((await scene.logRows(source)).map((row) => row.operation).sort()).toEqual(['D', 'I', 'U']);
  });

  it('a foreign key that cascades', async () => {
    const source = await scene.table();
    await scene.database.app.query(`CREATE TABLE ${source.name}_line (source_id int REFERENCES ${source.name} ON DELETE CASCADE ON UPDATE CASCADE)`);
    const line = await scene.watch(`${source.name}_line`);
    await scene.database.app.query(`INSERT INTO ${line.name} VALUES (1), (2)`);
    await scene.database.app.query(`DELETE FROM ${source.name} WHERE id = 1`);
    expect(await scene.operations(line)).toBe('ID');
    await scene.database.app.query(`UPDATE ${source.name} SET id = 20 WHERE id = 2`);
    expect(await scene.operations(line)).toBe('IDU');
  });

  it('each of the tables that one statement changes', async () => {
    const [from, to] = [await scene.table(), await scene.table()];
    await scene.database.app.query(`
      WITH gone AS (DELETE FROM ${from.name} RETURNING id + 100 AS id, amount) INSERT INTO ${to.name} SELECT id, amount FROM gone`);
    expect([await scene.operations(from), await scene.operations(to)]).toEqual(['D', 'I']);
  });

  it('a write by a function, and one by another trigger', async () => {
    const [source, audit] = [await scene.table(), await scene.table()];
    await scene.database.app.query(`
      CREATE FUNCTION public.audit_${source.id}() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO ${audit.name} VALUES (NEW.id, NEW.amount); RETURN NEW; END';
      CREATE TRIGGER audit AFTER INSERT ON ${source.name} FOR EACH ROW EXECUTE FUNCTION public.audit_${source.id}();
      CREATE FUNCTION public.add_${source.id}() RETURNS void LANGUAGE sql AS 'INSERT INTO ${source.name} VALUES (3, 3)';
      SELECT public.add_${source.id}()`);
    expect([await scene.operations(source), await scene.operations(audit)]).toEqual(['I', 'I']);
  });

  it('a statement that fails is not written down', async () => {
    const source = await scene.table();
    await expect(scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3), (1, 1)`)).rejects.toThrow('duplicate key');
    expect(await scene.operations(source)).toBe('');
    expect(await scene.rings(source)).toBe(0);
  });
});
