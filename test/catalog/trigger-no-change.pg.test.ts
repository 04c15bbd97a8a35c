import { describe, expect, it } from 'vitest';
import { TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

const emptyStatements = [
  ['UPDATE', 'U', (name: string) => `UPDATE ${name} SET amount = 0 WHERE false`],
  ['DELETE', 'D', (name: string) => `DELETE FROM ${name} WHERE amount = -1`],
  ['INSERT ... SELECT', 'I', (name: string) => `INSERT INTO ${name} SELECT 1, 1 WHERE false`],
] as const;

describe('a statement that changes no row', () => {
  it.each(emptyStatements)('%s of a plain table leaves no trace', async (_, __, statement) => {
    const source = await scene.table();
    const writer = await scene.writer();
    await writer.query(statement(source.name));
    expect(await scene.operations(source)).toBe('');
    expect(await scene.rings(source)).toBe(0);
    // The trigger is in place all the same.
    await writer.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    expect(await scene.operations(source)).toBe('I');
  });

  it('ON CONFLICT DO NOTHING leaves none, either', async () => {
    const source = await scene.table();
    await (await scene.writer()).query(`INSERT INTO ${source.name} VALUES (1, 9) ON CONFLICT DO NOTHING`);
    expect(await scene.operations(source)).toBe('');
  });

  it('leaves none in a session that has written other tables', async () => {
    const [source, other] = [await scene.table(), await scene.table()];
    const writer = await scene.writer();
    await writer.query(`BEGIN; UPDATE ${other.name} SET amount = 0; UPDATE ${source.name} SET amount = 0 WHERE false; COMMIT`);
    expect([await scene.operations(other), await scene.operations(source)]).toEqual(['U', '']);
  });

  it('TRUNCATE is written down whatever the counters say, which it resets', async () => {
    const source = await scene.table();
    await (await scene.writer()).query(`BEGIN; TRUNCATE ${source.name}; COMMIT`);
    await (await scene.writer()).query(`TRUNCATE ${source.name}`);
    expect(await scene.operations(source)).toBe('TT');
  });
});

describe('where row counters say nothing, every statement is written down', () => {
  it.each(emptyStatements)('%s with track_counts off', async (_, operation, statement) => {
    const source = await scene.table();
    const writer = await scene.writer('admin', 'SET track_counts = off');
    await writer.query(statement(source.name));
    expect(await scene.operations(source)).toBe(operation);
  });

  it('a real change with track_counts off, which the counters do not show', async () => {
    const source = await scene.table();
    const writer = await scene.writer('admin', 'SET track_counts = off');
    await writer.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    expect(await scene.operations(source)).toBe('I');
  });

  it('through a parent whose child has the rows', async () => {
    const source = await scene.table();
    await scene.database.app.query(`CREATE TABLE ${source.name}_child () INHERITS (${source.name}); INSERT INTO ${source.name}_child VALUES (11, 1)`);
    const writer = await scene.writer();
    await writer.query(`UPDATE ${source.name} SET amount = 0 WHERE id = 11`);
    await writer.query(`DELETE FROM ${source.name} WHERE false`);
    expect(await scene.operations(source)).toBe('UD');
  });

  it('through a partitioned root, which has no rows of its own', async () => {
    await scene.database.app.query(`
      CREATE TABLE public.root (id int, amount int) PARTITION BY RANGE (id);
      CREATE TABLE public.leaf PARTITION OF public.root FOR VALUES FROM (0) TO (100)`);
    const [root, leaf] = [await scene.watch('public.root'), await scene.watch('public.leaf')];
    const writer = await scene.writer();
    await writer.query('INSERT INTO public.root VALUES (1, 1)');
    await writer.query('UPDATE public.root SET amount = 0 WHERE false');
    expect([await scene.operations(root), await scene.operations(leaf)]).toEqual(['IU', '']);
    await writer.query('INSERT INTO public.leaf VALUES (2, 2)');
    expect([await scene.operations(root), await scene.operations(leaf)]).toEqual(['IU', 'I']);
    await writer.query('TRUNCATE public.root');
    expect([await scene.operations(root), await scene.operations(leaf)]).toEqual(['IUT', 'IT']);
  });
});
