import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { isConnectionLoss, sqlstateOf } from '../../src/database/sqlstate.js';
import type { TestDatabase } from '../support/database.js';
import type { Act } from './history.js';

/** What became of one act. */
export interface Played {
  readonly atMs: number;
  readonly writer: number;
  readonly act: Act;
  /** `committed`, `rolled back`, `prepared`, or the error of the statement that failed. */
  outcome: string;
}

/** SQLSTATEs that writers get in each other's way with; any other is the worker's doing, or the test's. */
const expectedStates = new Set([
  '40001', '40P01', // serialization failure, deadlock
  '55P03', // lock_timeout
  '23503', '23505', '23514', // foreign key, unique, no partition for the row
  '42P01', '42P07', '42704', '42P17', '42809', // no such relation, there already, no such trigger, not a (fitting) partition
  '55000', '55006', // not in that state, in use
  '21000', // MERGE met a row twice
  'XX000', // "tuple concurrently updated": what PostgreSQL says to a DROP TRIGGER beside a CREATE OR REPLACE of the same one
]);
/** A crash or a fast stop of the server, where a test does that. */
const lossStates = new Set(['57P01', '57P02', '57P03', '08006', '08003']);

const mostAttempts = 6;
/** While the server is away, so that a writer does not spend all its acts on it. */
const reconnectMs = 200;

/** Plays the acts of writers, each on a session of its own, and keeps the log of what was played. */
export class Player {
  readonly log: Played[] = [];
  /** Failures of writers that are nobody's business but ours. */
  readonly unexpected: string[] = [];
  readonly #db: TestDatabase;
  readonly #startedAt = performance.now();
  /** Names of prepared transactions that nobody has resolved yet. */
  #prepared: string[] = [];
  #losses: boolean;

  /** @param losses whether connections may be lost, since the server is restarted */
  constructor(db: TestDatabase, losses = false) {
    this.#db = db;
    this.#losses = losses;
  }

  get commits(): number {
    return this.log.filter((played) => played.outcome === 'committed').length;
  }

  async play(writer: number, acts: readonly Act[]): Promise<void> {
    for (const act of acts) {
      const played: Played = { atMs: Math.round(performance.now() - this.#startedAt), writer, act, outcome: 'under way' };
      this.log.push(played);
      played.outcome = await this.#outcomeOf(act);
    }
  }

  /** Ends every prepared transaction that is left, one way or the other, and every pause. */
  async resolveAll(): Promise<void> {
    const { rows } = await this.#db.app.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()');
    for (const [index, { gid }] of rows.entries()) await this.#db.app.query(`${index % 3 === 2 ? 'ROLLBACK' : 'COMMIT'} PREPARED '${gid}'`);
    this.#prepared = [];
    // An act that paused a view may have failed before it resumed it.
    await this.#db.admin.query(`WITH resumed AS (UPDATE refresh_listener.view SET paused_at = NULL WHERE paused_at IS NOT NULL RETURNING id)
      SELECT pg_notify('refresh_listener', 'view ' || id) FROM resumed`);
  }

  async #outcomeOf(act: Act): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(act);
      } catch (error) {
        const state = sqlstateOf(error);
        const message = error instanceof Error ? error.message : String(error);
        if (state === '40001' && attempt < mostAttempts) continue;
        if (state === undefined ? !this.#losses : !expectedStates.has(state) && !(this.#losses && lossStates.has(state))) {
          this.unexpected.push(`${state ?? 'no SQLSTATE'} ${message} in ${act.statements.join('; ')}`);
        }
        if (isConnectionLoss(error)) await pause(reconnectMs);
        return `${state ?? ''} ${message}`;
      }
    }
  }

  async #attempt(act: Act): Promise<string> {
    const client = await this.#db[act.role].connect();
    let broken = true;
    try {
      await client.query(`SET lock_timeout = '300ms'; SET statement_timeout = '20s'`);
      const outcome = await this.#perform(client, act);
      broken = false;
      return outcome;
    } finally {
      client.release(broken);
    }
  }

  async #perform(client: pg.PoolClient, act: Act): Promise<string> {
    if (act.kind === 'resolve') return this.#resolveOne(client, act);
    if (act.isolation === undefined) {
      for (const [index, sql] of act.statements.entries()) {
        if (index > 0) await pause(act.pauseMs);
        await client.query(sql);
      }
      await reportCounters(client);
      return 'committed';
    }
    await client.query(`BEGIN ISOLATION LEVEL ${act.isolation}`);
    try {
      for (const sql of act.statements) await client.query(sql);
      await pause(act.pauseMs);
      if (act.end === 'prepare') {
        const name = `history ${randomUUID()}`;
        await client.query(`PREPARE TRANSACTION '${name}'`);
        this.#prepared.push(name);
        return 'prepared';
      }
      await client.query(act.end);
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await reportCounters(client);
    return act.end === 'commit' ? 'committed' : 'rolled back';
  }

  async #resolveOne(client: pg.PoolClient, act: Act): Promise<string> {
    const name = this.#prepared.shift();
    if (name === undefined) return 'nothing to resolve';
    await client.query(`${act.end} PREPARED '${name}'`);
    return act.end === 'commit' ? 'committed' : 'rolled back';
  }
}

/**
 * Counters of a change that no trigger saw may come ten seconds late; a history cannot wait that long each time. Any act
 * may be such a change, while a trigger is disabled or missing.
 */
async function reportCounters(client: pg.PoolClient): Promise<void> {
  await client.query('SELECT pg_stat_force_next_flush()');
}

/** The log of what was played, to be read when a history has failed. */
export function told(log: readonly Played[]): string {
  return log
    .map(({ atMs, writer, act, outcome }) => {
      const how = act.isolation === undefined ? act.role : `${act.role}, ${act.isolation}, pause ${act.pauseMs} ms, ${act.end}`;
      return `${atMs} ms, writer ${writer} (${how}): ${act.statements.join('; ').replaceAll(/\s+/g, ' ')} -> ${outcome}`;
    })
    .join('\n');
}
