import { UsageError } from '../config/usage-error.js';
import type { Database, Transaction } from '../database/database.js';
import { RestoreUnderWay } from '../database/restored-schema.js';
import { loadQuery } from '../database/sql.js';
import { lockKeys } from './lock-key.js';

const logIdentityQuery = loadQuery('log-identity');
/** Several statements, without parameters. */
export const beginLogQuery = loadQuery('begin-log');

/**
 * What had become of the change log:
 * - `intact`: nothing
 * - `first`: no worker has ever been here
 * - `reset`: a crash or fail-over emptied it; every view was marked stale whole
 * - `moved`: the schema came here by dump and restore, or pg_upgrade; its cursors meant another cluster and were dropped
 */
export type LogState = 'intact' | 'first' | 'reset' | 'moved';

interface Identity {
  readonly known: boolean;
  readonly same: boolean;
  readonly marked: boolean;
  /** False while a restore is under way. */
  readonly complete: boolean;
}

/**
 * Makes sure that log and cursors belong together; of many workers one does what is to be done.
 *
 * @param install whether triggers and registers may be made anew, which another cluster's need
 * @throws UsageError where they need it and may not
 * @throws RestoreUnderWay
 */
export async function ensureLog(database: Database, install = true): Promise<LogState> {
  const state = stateOf(await database.transaction('look', readIdentity));
  if (state === 'intact') return state;
  if (!install && state !== 'reset') {
    throw new UsageError(
      'The schema refresh_listener came here from another database or cluster: what it says of tables and views is not true here. ' +
        'Run again the SQL of listener install --views ... --print.',
    );
  }
  const found = await database.transaction('look', async (tx) => {
    await tx.rows('SELECT pg_catalog.pg_advisory_xact_lock($1, 0)', [lockKeys.log]);
    const locked = stateOf(await readIdentity(tx));
    if (locked === 'first' || locked === 'moved') await begin(tx);
    if (locked !== 'intact') await markAnew(tx);
    return locked;
  });
  if (found === 'first' || found === 'moved') await dropOrphanRegisters(database);
  return found;
}

/** What has become of the log, without doing anything about it. Not to be asked of a standby, which cannot read it. */
export async function readLogState(tx: Transaction): Promise<LogState> {
  return stateOf(await readIdentity(tx));
}

function stateOf(identity: Identity): LogState {
  if (!identity.known) return 'first';
  if (!identity.same) return 'moved';
  return identity.marked ? 'intact' : 'reset';
}

async function readIdentity(tx: Transaction): Promise<Identity> {
  const [identity] = await tx.rows<Identity>(logIdentityQuery);
  if (identity?.complete !== true) throw new RestoreUnderWay();
  return identity;
}

/**
 * Oids, transaction ids and snapshots of another cluster mean nothing here: start from an empty registry. Triggers came
 * along, however; each gets a source again, so that those that nobody needs any more are found and removed.
 */
async function begin(tx: Transaction): Promise<void> {
  await tx.rows(beginLogQuery);
}

/** After a crash only prepared transactions live on; their log rows are lost, so one more absorb waits for their end. */
async function markAnew(tx: Transaction): Promise<void> {
  await tx.rows(
    `INSERT INTO refresh_listener.change_log (xid, source, operation)
     SELECT '0', 0, 'T'
     WHERE NOT EXISTS (SELECT FROM refresh_listener.change_log AS l WHERE l.xid = '0'::pg_catalog.xid8 AND l.source = 0)`,
  );
  await tx.rows(
    `UPDATE refresh_listener.view SET whole_marks = whole_marks + 1,
       settle_xid = pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())`,
  );
}

const registersPerTransaction = 100;

async function dropOrphanRegisters(database: Database): Promise<void> {
  const orphans = await database.rows<{ name: string }>(
    `SELECT pg_catalog.format('refresh_listener.%I', c.relname) AS name
     FROM pg_catalog.pg_class AS c
     WHERE c.relnamespace = pg_catalog.to_regnamespace('refresh_listener') AND c.relkind = 'S'
       AND c.relname ~ '^(log|hold)_[0-9]+$'
       AND NOT EXISTS (SELECT FROM refresh_listener.source AS s
                       WHERE s.id = pg_catalog.split_part(c.relname::pg_catalog.text, '_', 2)::pg_catalog.int4)`,
  );
  for (let start = 0; start < orphans.length; start += registersPerTransaction) {
    const names = orphans.slice(start, start + registersPerTransaction).map((orphan) => orphan.name);
    await database.rows(`DROP SEQUENCE IF EXISTS ${names.join(', ')}`);
  }
}
