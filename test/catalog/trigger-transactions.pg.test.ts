import { describe, expect, it } from 'vitest';
import { TriggerScene, type Register } from './trigger-scene.js';
import type pg from 'pg';

const scene = TriggerScene.here();
const levels = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;

/** The id of the writer's transaction, as cursors know it. */
async function topLevelXid(writer: pg.Client): Promise<string | undefined> {
  const { rows } = await writer.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  return rows[0]?.xid;
}

describe('the transaction id in the log', () => {
  it('is the top-level one inside a savepoint, where the row itself has another', async () => {
    const source = await scene.table();
    const writer = await scene.writer();
    await writer.query(`BEGIN; SAVEPOINT a; SAVEPOINT b; INSERT INTO ${source.name} VALUES (3, 3); RELEASE a`);
    const xid = await topLevelXid(writer);
    await writer.query('COMMIT');
    const [row] = await scene.logRows(source);
    expect(row).toMatchObject({ operation: 'I', xid });
    expect(row?.rowXid).not.toBe(xid);
  });

  it('is the top-level one after ROLLBACK TO, and what was rolled back is not in the log', async () => {
    const source = await scene.table();
    const writer = await scene.writer();
    await writer.query(`BEGIN; SAVEPOINT a; INSERT INTO ${source.name} VALUES (3, 3); ROLLBACK TO a; DELETE FROM ${source.name}`);
    const xid = await topLevelXid(writer);
    await writer.query('COMMIT');
    expect(await scene.logRows(source)).toMatchObject([{ operation: 'D', xid }]);
    expect(await scene.rings(source)).toBe(1);
  });

  it('is there for a change whose savepoint is rolled back after another statement', async () => {
    const source = await scene.table();
    const writer = await scene.writer();
    await writer.query(`BEGIN; INSERT INTO ${source.name} VALUES (3, 3); SAVEPOINT a; DELETE FROM ${source.name}; ROLLBACK TO a; COMMIT`);
    expect(await scene.operations(source)).toBe('I');
  });

  it('is not there when the transaction is rolled back, and nothing rings', async () => {
    const source = await scene.table();
    await (await scene.writer()).query(`BEGIN; INSERT INTO ${source.name} VALUES (3, 3); ROLLBACK`);
    expect(await scene.operations(source)).toBe('');
    expect(await scene.rings(source)).toBe(0);
  });
});

describe.each(levels)('a writer at %s', (level) => {
  /** A transaction with a snapshot that is older than what comes next. */
  async function olderWriter(name: string): Promise<pg.Client> {
    const writer = await scene.writer();
    await writer.query(`BEGIN ISOLATION LEVEL ${level}; SELECT count(*) FROM ${name}`);
    return writer;
  }
  const inserted = { operations: 'I', rings: 1 };
  const cases: [string, [Register, number][], [Register, number][], typeof inserted][] = [
    ['a hold set meanwhile: it does not ring', [['hold', -1_000]], [['hold', 60_000]], { operations: 'I', rings: 0 }],
    ['a hold ended meanwhile: it rings', [['hold', 60_000]], [['hold', -1]], inserted],
    ['a log register renewed meanwhile: it appends', [['log', -1_000]], [['log', 60_000]], inserted],
    ['a log register lapsed meanwhile: it does not append', [['log', 60_000]], [['log', -1]], { operations: '', rings: 0 }],
  ];

  it.each(cases)('sees the registers as they are now: %s', async (_, before, meanwhile, expected) => {
    const source = await scene.table();
    for (const [register, inMs] of before) await scene.setRegister(register, source, { inMs });
    const writer = await olderWriter(source.name);
    for (const [register, inMs] of meanwhile) await scene.setRegister(register, source, { inMs });
    await writer.query(`INSERT INTO ${source.name} VALUES (3, 3); COMMIT`);
    expect({ operations: await scene.operations(source), rings: await scene.rings(source) }).toEqual(expected);
  });

  it('neither waits for nor fails because of another writer of the same source', async () => {
    const source = await scene.table();
    const [one, other] = [await olderWriter(source.name), await scene.writer()];
    await other.query(`BEGIN ISOLATION LEVEL ${level}`);
    await other.query(`INSERT INTO ${source.name} VALUES (4, 4)`);
    await one.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    await one.query('COMMIT');
    await other.query('COMMIT');
    expect(await scene.operations(source)).toBe('II');
  });
});
