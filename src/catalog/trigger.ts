import pRetry from 'p-retry';
import type { Database, Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { lockKeys } from './lock-key.js';

const sourceTriggersQuery = loadQuery('source-triggers');
const triggeredRelationsQuery = loadQuery('triggered-relations');

/** Our trigger on one source. `enabled` is `tgenabled`: O origin, A always, R replica, D disabled. */
interface TriggerState {
  readonly oid: number;
  readonly enabled: 'O' | 'A' | 'R' | 'D';
  readonly intact: boolean;
  /** Whether it calls a function of our schema: another of the same name is somebody else's, and left alone. */
  readonly ours: boolean;
}

/** A source that should have a trigger. */
export interface TriggerTarget {
  readonly id: number;
  readonly oid: number;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  /** Whether the role owns it: then the trigger is enabled ALWAYS. */
  readonly owned: boolean;
}

/** How DDL waits for its lock. */
export interface DdlPatience {
  readonly signal: AbortSignal;
  /** It could not be had at once; told once. */
  readonly onWait: () => void;
}

export type TriggerFault = 'missing' | 'disabled' | 'altered';

export interface FoundTriggerFault {
  readonly target: TriggerTarget;
  readonly fault: TriggerFault;
  /** False where somebody else's trigger bears our name. */
  readonly ours: boolean;
}

/**
 * A waiting CREATE TRIGGER queues every later writer behind itself, so it waits this long at most, then lets them pass
 * and tries again.
 */
const ddlLockTimeoutMs = 200;
/** Of a transaction with DDL on a table that others use. */
export const ddlLimits = { lockTimeoutMs: ddlLockTimeoutMs, statementTimeoutMs: 10_000 };

/** Which targets lack a working trigger? In one query. */
export async function findTriggerFaults(database: Database, targets: readonly TriggerTarget[]): Promise<FoundTriggerFault[]> {
  const states = await database.rows<TriggerState>(sourceTriggersQuery, [targets.map((target) => target.oid)]);
  const stateByOid = new Map(states.map((state) => [state.oid, state]));
  return targets.flatMap((target) => {
    const state = stateByOid.get(target.oid);
    const fault = triggerFault(state, target.owned);
    return fault === undefined ? [] : [{ target, fault, ours: state?.ours ?? true }];
  });
}

/** What is wrong with a trigger? A state other than ALWAYS, where we could set it, proves a window of unseen changes. */
export function triggerFault(state: Pick<TriggerState, 'enabled' | 'intact'> | undefined, owned: boolean): TriggerFault | undefined {
  if (state === undefined) return 'missing';
  if (!state.intact) return 'altered';
  const works = state.enabled === 'A' || (state.enabled === 'O' && !owned);
  return works ? undefined : 'disabled';
}

/**
 * Creates or mends the trigger of one source, and appends a log row in the same transaction: whatever happened before
 * it was in place went unseen. CREATE OR REPLACE needs the TRIGGER privilege alone, and enables again.
 *
 * @returns whether it had anything to do: another worker may have been faster
 * @throws the lock timeout when writers kept the table for all of the attempts
 */
export async function mendTrigger(database: Database, target: TriggerTarget, patience: DdlPatience): Promise<boolean> {
  return retriedOnLock(patience, () =>
    database.transaction(
      'look',
      async (tx) => {
        await lockSource(tx, target.id);
        const name = await lockedName(tx, target);
        if (name === undefined) return false;
        const [state] = await tx.rows<TriggerState>(sourceTriggersQuery, [[target.oid]]);
        if (triggerFault(state, target.owned) === undefined) return false;
        if (state !== undefined && !state.ours) {
          throw new Error(`${name} has a trigger named refresh_listener that is not ours: ALTER TRIGGER refresh_listener ON ${name} RENAME TO ...`);
        }
        for (const statement of triggerStatements(name, target)) await tx.rows(statement);
        await requireSame(tx, name, target.oid);
        return true;
      },
      ddlLimits,
    ),
  );
}

/**
 * What creates or mends the trigger of one source, to be run in one transaction: with it goes the log row that stands for
 * whatever changed before.
 */
export function triggerStatements(name: string, target: Pick<TriggerTarget, 'id' | 'owned'>): string[] {
  return [
    `CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${name} ` +
      `FOR EACH STATEMENT EXECUTE FUNCTION refresh_listener.record_change('${target.id}')`,
    ...(target.owned ? [`ALTER TABLE ${name} ENABLE ALWAYS TRIGGER refresh_listener`] : []),
    `INSERT INTO refresh_listener.change_log (source, operation) VALUES (${target.id}, 'T')`,
  ];
}

/**
 * Removes a source that no view reads any more: its trigger, its registers and its row.
 *
 * @returns false when a view has been linked to it meanwhile
 */
export async function removeSource(
  database: Database, source: { readonly id: number; readonly oid: number }, patience: DdlPatience,
): Promise<boolean> {
  return retriedOnLock(patience, () =>
    database.transaction(
      'look',
      async (tx) => {
        // FOR UPDATE keeps a new link out until we are done: its foreign key check waits for this row.
        const [row] = await tx.rows<{ relation: string | null; triggered: boolean }>(
          `SELECT (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
                   FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                   WHERE c.oid = s.oid) AS relation,
                  EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
                          WHERE t.tgrelid = s.oid AND t.tgname = 'refresh_listener'
                            AND t.tgfoid = pg_catalog.to_regprocedure('refresh_listener.record_change()')) AS triggered
           FROM refresh_listener.source AS s WHERE s.id = $1 FOR UPDATE`,
          [source.id],
        );
        if (row === undefined) return false;
        const links = await tx.rows('SELECT FROM refresh_listener.view_source WHERE source = $1 LIMIT 1', [source.id]);
        if (links.length > 0) return false;
        if (row.relation !== null && row.triggered) {
          await dropTrigger(tx, { oid: source.oid, name: row.relation, trigger: 'refresh_listener' });
        }
        // Its log rows go with the next clean-up: the table is locked here, and reading the log may take long.
        await tx.rows('DELETE FROM refresh_listener.source WHERE id = $1', [source.id]);
        await tx.rows(`DROP SEQUENCE IF EXISTS refresh_listener.log_${source.id}, refresh_listener.hold_${source.id}`);
        return true;
      },
      ddlLimits,
    ),
  );
}

/** A relation with a trigger that calls a function of our schema. */
export interface TriggeredRelation {
  readonly oid: number;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  /** The trigger's name, not quoted. */
  readonly trigger: string;
  /** Whether the role can replace it. */
  readonly mayTrigger: boolean;
}

/** Every trigger of ours, also of tables that are no source any more. */
export async function triggeredRelations(database: Database): Promise<TriggeredRelation[]> {
  return database.rows<TriggeredRelation>(triggeredRelationsQuery);
}

/** Removes one trigger, whatever views read the table. @throws the lock timeout, as `mendTrigger` does */
export async function removeTrigger(database: Database, relation: TriggeredRelation, patience: DdlPatience): Promise<void> {
  await retriedOnLock(patience, () => database.transaction('look', (tx) => dropTrigger(tx, relation), ddlLimits));
}

/**
 * The schema, and with the trigger function whatever triggers are left.
 *
 * First the lock that `mendTrigger` needs: a trigger that is being created, and not committed yet, would not be seen among
 * those that depend on the function. It would be left without one, and fail every write of its table.
 *
 * @throws the lock timeout, as `mendTrigger` does
 */
export async function dropSchema(database: Database, patience: DdlPatience): Promise<void> {
  await retriedOnLock(patience, () =>
    database.transaction(
      'look',
      async (tx) => {
        const [source] = await tx.rows<{ exists: boolean }>("SELECT pg_catalog.to_regclass('refresh_listener.source') IS NOT NULL AS exists");
        if (source?.exists === true) await tx.rows('LOCK TABLE refresh_listener.source IN ACCESS EXCLUSIVE MODE');
        await tx.rows('DROP SCHEMA IF EXISTS refresh_listener CASCADE');
      },
      ddlLimits,
    ),
  );
}

/**
 * DROP TRIGGER needs the table's owner, who we may not be. So the trigger is first replaced, to call a function of its
 * own, and that function is dropped with CASCADE, which asks nobody but the function's owner.
 */
async function dropTrigger(tx: Transaction, { oid, name, trigger }: Omit<TriggeredRelation, 'mayTrigger'>): Promise<void> {
  const doomed = `refresh_listener.${quoteIdentifier(`doomed_${oid}`)}`;
  await tx.rows(`CREATE FUNCTION ${doomed}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
  await tx.rows(`CREATE OR REPLACE TRIGGER ${quoteIdentifier(trigger)} AFTER TRUNCATE ON ${name} EXECUTE FUNCTION ${doomed}()`);
  await requireSame(tx, name, oid);
  await tx.rows(`DROP FUNCTION ${doomed}() CASCADE`);
}

/** One worker at a time; the others wait, up to the lock timeout, and then find it done. */
async function lockSource(tx: Transaction, source: number): Promise<void> {
  await tx.rows('SELECT pg_catalog.pg_advisory_xact_lock($1, $2)', [lockKeys.sourceTrigger, source]);
}

/**
 * What the relation of a source is called now; its row is kept from being removed meanwhile. Undefined: somebody has
 * removed it, and a trigger would name a source that is not there.
 */
async function lockedName(tx: Transaction, source: Pick<TriggerTarget, 'id' | 'oid'>): Promise<string | undefined> {
  const [row] = await tx.rows<{ name: string }>(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
     FROM refresh_listener.source AS s
     JOIN pg_catalog.pg_class AS c ON c.oid = s.oid
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE s.id = $1 AND s.oid = $2
     FOR KEY SHARE OF s`,
    [source.id, source.oid],
  );
  return row?.name;
}

/** Under the lock of the DDL before, a name cannot move any more: did it still mean this relation? */
async function requireSame(tx: Transaction, name: string, oid: number): Promise<void> {
  const [row] = await tx.rows<{ same: boolean }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid = $2 AS same', [name, oid]);
  if (row?.same !== true) throw new Error(`${name} was renamed just now; the next sweep tries again.`);
}

/** Lets writers pass between attempts; gives up after a few, for the next sweep to go on. */
export async function retriedOnLock<T>({ signal, onWait }: DdlPatience, attempt: () => Promise<T>): Promise<T> {
  let waits = 0;
  return pRetry(attempt, {
    onFailedAttempt: ({ error }) => {
      if (!isLockTrouble(error)) return;
      waits += 1;
      if (waits === 1) onWait();
    },
    retries: 5,
    minTimeout: 100,
    maxTimeout: 2_000,
    factor: 2,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => isLockTrouble(error),
  });
}

function isLockTrouble(error: unknown): boolean {
  return ['55P03', '40P01', '57014'].includes(sqlstateOf(error) ?? '');
}
