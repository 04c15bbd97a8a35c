import { describe, expect, it } from 'vitest';
import { cleanLog } from '../../src/catalog/clean-up.js';
import { mendTrigger, removeSource, type DdlPatience } from '../../src/catalog/trigger.js';
import { TriggerScene, type WatchedSource } from './trigger-scene.js';

const scene = TriggerScene.here();

function patience(onWait: () => void = () => undefined): DdlPatience {
  return { signal: new AbortController().signal, onWait };
}

function mend(source: WatchedSource, onWait?: () => void): Promise<boolean> {
  return mendTrigger(scene.own, { ...source, owned: false }, patience(onWait));
}

async function isTriggered(source: WatchedSource): Promise<boolean> {
  const { rows } = await scene.database.admin.query("SELECT FROM pg_trigger WHERE tgrelid = $1 AND tgname = 'refresh_listener'", [source.oid]);
  return rows.length > 0;
}

describe('mendTrigger', () => {
  it('writes a log row in the same transaction: what happened before the trigger was there went unseen', async () => {
    const source = await scene.table();
    await scene.database.app.query(`DROP TRIGGER refresh_listener ON ${source.name}`);
    expect(await mend(source)).toBe(true);
    const [row] = await scene.logRows(source);
    expect(row).toMatchObject({ operation: 'T' });
    const { rows } = await scene.database.admin.query<{ xid: string }>(
      "SELECT xmin::text AS xid FROM pg_trigger WHERE tgrelid = $1 AND tgname = 'refresh_listener'", [source.oid],
    );
    expect(rows).toEqual([{ xid: row?.xid }]);
  });

  it('does nothing, and writes nothing, where nothing is wrong', async () => {
    const source = await scene.table();
    expect(await mend(source)).toBe(false);
    expect(await scene.operations(source)).toBe('');
  });

  it('is done by one of several that try at once', async () => {
    const source = await scene.table();
    await scene.database.app.query(`ALTER TABLE ${source.name} DISABLE TRIGGER refresh_listener`);
    expect((await Promise.all([mend(source), mend(source), mend(source)])).filter(Boolean)).toHaveLength(1);
    expect(await scene.operations(source)).toBe('T');
  });

  it('waits for a running writer by letting the others pass, and tells so once', async () => {
    const source = await scene.table();
    await scene.database.app.query(`DROP TRIGGER refresh_listener ON ${source.name}`);
    const writer = await scene.writer();
    await writer.query(`BEGIN; INSERT INTO ${source.name} VALUES (3, 3)`);
    let waits = 0;
    let mended = Promise.resolve(false);
    await new Promise<void>((waiting) => {
      mended = mend(source, () => {
        waits += 1;
        waiting();
      });
    });
    // A writer that came after the waiting CREATE TRIGGER gets through while the first one is still at it.
    await scene.database.app.query(`INSERT INTO ${source.name} VALUES (4, 4)`);
    expect(await isTriggered(source)).toBe(false);
    await writer.query('COMMIT');
    expect(await mended).toBe(true);
    expect(waits).toBe(1);
    expect(await scene.operations(source)).toBe('T');
  });
});

describe('removeSource', () => {
  it('takes the trigger off a table that is not ours, with registers and the row; its log rows go with the next clean-up', async () => {
    const source = await scene.table();
    await scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    expect(await removeSource(scene.own, source, patience())).toBe(true);
    expect(await isTriggered(source)).toBe(false);
    // A clean-up leaves what is newer than the oldest transaction of the whole server: other tests run some.
    await expect.poll(async () => {
      await cleanLog(scene.own, 3_600_000);
      return scene.operations(source);
    }, { timeout: 20_000 }).toBe('');
    const { rows } = await scene.database.admin.query(
      `SELECT to_regclass('refresh_listener.log_${source.id}') AS log, to_regclass('refresh_listener.hold_${source.id}') AS hold,
              to_regproc('refresh_listener.doomed_${source.id}') AS doomed`,
    );
    expect(rows).toEqual([{ log: null, hold: null, doomed: null }]);
    // The table is the application's as before, its own triggers included.
    await scene.database.app.query(`INSERT INTO ${source.name} VALUES (4, 4)`);
    expect(await removeSource(scene.own, source, patience())).toBe(false);
  });

  it('leaves a source alone to which a view has been linked meanwhile', async () => {
    const source = await scene.table();
    await scene.database.worker.query(
      `WITH v AS (INSERT INTO refresh_listener.view (oid, name, served_until) VALUES ($1, 'public.mv', pg_catalog.now()) RETURNING id)
       INSERT INTO refresh_listener.view_source (view, source) SELECT id, $1 FROM v`, [source.id],
    );
    expect(await removeSource(scene.own, source, patience())).toBe(false);
    expect(await isTriggered(source)).toBe(true);
  });
});
