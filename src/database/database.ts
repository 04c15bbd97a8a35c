import pg from 'pg';
import { connectionSettings } from './connection.js';
import { socketOf, Sockets } from './sockets.js';
import { isConnectionLoss } from './sqlstate.js';

/** Limits of one transaction, in milliseconds; 0 means none. */
export interface TransactionLimits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** For questions that a standby must be able to answer, too. */
  readonly readOnly?: boolean;
  /** Default: read committed. Under repeatable read every statement sees what the first one saw. */
  readonly isolation?: 'read committed' | 'repeatable read';
}

/** `look`: two connections for everything short. `absorb`: as many as views may be absorbed at a time. */
export type Lane = 'look' | 'absorb';

/** What works for us on the server. */
export interface Backend {
  /** Its process id, for `pg_locks` and `pg_cancel_backend`. */
  readonly pid: number;
  /** Breaks the connection at once, for when the server no longer answers on it; pending statements reject. */
  sever(reason: string): void;
}

/** A column of a query's result. */
export interface ResultColumn {
  readonly name: string;
  /** Oid of its type; of a domain, that of the type under it. */
  readonly type: number;
  /** What was declared with the type (length, precision and scale) as PostgreSQL keeps it; -1: nothing. */
  readonly typmod: number;
}

/** An open transaction. Statements run one after another on one connection. */
export interface Transaction extends Backend {
  /** Rows of one statement. `Row` is what the caller knows the query to return: stated where rows enter, once. */
  rows<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** The columns of a SELECT, which is planned and begun, but yields no row. */
  columns(select: string): Promise<ResultColumn[]>;
}

const shortLimits: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 60_000 };
/** Beyond the server's own time limit: only a dead network is still silent then. */
const silenceMarginMs = 5_000;
/** A connection for what no transaction may hold is seldom needed, and given back soon. */
const upkeepIdleMs = 1_000;
/** How long a connection may take to say goodbye. */
const farewellMs = 1_000;

/**
 * The worker's connections to one database, apart from the doorbell's.
 *
 * Every statement runs in a transaction with stated settings, set for that transaction only: a role's or a database's
 * defaults cannot change what we mean, and nothing leaks into other clients of a pooler. What PostgreSQL lets no
 * transaction hold (VACUUM) has a connection of its own, see `outsideTransaction`.
 */
export class Database {
  readonly #pools: Readonly<Record<Lane | 'upkeep', pg.Pool>>;
  readonly #sockets = new Sockets();
  /** Settings that the server knows, as found out at the start: `name = value`. */
  #serverSettings: readonly string[] = [];

  /**
   * @param url connection string; undefined means the PG* variables
   * @param concurrency connections of the absorb lane
   * @param directUrl past a pooler, for what needs a session of its own. Default: the same as `url`
   */
  constructor(url: string | undefined, concurrency: number, directUrl = url) {
    const pool = (lane: Lane | 'upkeep', max: number, idleTimeoutMillis = 60_000): pg.Pool => {
      const settings = connectionSettings(lane === 'upkeep' ? directUrl : url, `listener (${lane})`);
      const created = new pg.Pool({ ...this.#sockets.watched(settings), max, idleTimeoutMillis });
      // An idle connection that breaks is dropped by the pool; the next statement opens another and tells of any trouble.
      created.on('error', () => undefined);
      // A server that ends a connection may say so after we have let go of the client, when the pool does not listen yet or
      // any more: unheard, its last words would end the process.
      created.on('connect', (client) => client.on('error', () => undefined));
      return created;
    };
    // Two to look: a cancel, or a look at who waits, must not stand behind a slow sweep.
    this.#pools = { look: pool('look', 2), absorb: pool('absorb', concurrency), upkeep: pool('upkeep', 1, upkeepIdleMs) };
  }

  /** Limits of every short transaction: none of them may ever hang the worker. */
  static readonly shortLimits = shortLimits;

  /** Settings for every transaction from now on that not every server knows, each as `name = value`. */
  useServerSettings(settings: readonly string[]): void {
    this.#serverSettings = settings;
  }

  /**
   * Runs `work` in one transaction, READ COMMITTED unless its limits say otherwise; commits when it returns, rolls back
   * when it throws.
   *
   * @throws whatever `work`, the connection or the commit throws
   */
  async transaction<T>(lane: Lane, work: (transaction: Transaction) => Promise<T>, limits = shortLimits): Promise<T> {
    const client = await this.#pools[lane].connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken ??= error;
    };
    client.on('error', onError);
    try {
      const transaction = await begin(client, limits, this.#serverSettings);
      const result = await work(transaction);
      await limited(client, 'COMMIT', shortLimits.statementTimeoutMs);
      return result;
    } catch (error) {
      if (isConnectionLoss(error)) broken ??= error as Error;
      if (broken === undefined) {
        await limited(client, 'ROLLBACK', shortLimits.statementTimeoutMs).catch((rollbackError: unknown) => {
          broken = rollbackError as Error;
        });
      }
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /**
   * Runs one statement that PostgreSQL lets no transaction hold, such as VACUUM: one at a time, on a connection of its own
   * that is closed soon after. Its settings are stated as those of a transaction are, but for the session. Behind a pooler
   * they would become those of other clients: there nothing is run.
   *
   * @param onWorking told which backend works: for whoever must cancel it
   * @returns whether it was run: not where a pooler is in between
   * @throws whatever the connection or the statement throws
   */
  async outsideTransaction(
    statement: string, limits: Pick<TransactionLimits, 'lockTimeoutMs' | 'statementTimeoutMs'>, onWorking: (backend: Backend) => void,
  ): Promise<boolean> {
    const client = await this.#pools.upkeep.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken ??= error;
    };
    client.on('error', onError);
    try {
      const pid = await readPid(client);
      if (pid !== greetedAs(client)) return false;
      await limited(client, sessionSettings(limits, this.#serverSettings), shortLimits.statementTimeoutMs);
      onWorking({ pid, sever: (reason) => sever(client, reason) });
      await limited(client, statement, limits.statementTimeoutMs);
      return true;
    } catch (error) {
      broken ??= error as Error; // what state it is in is not worth finding out
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** One statement in a transaction of its own, on the look lane. */
  async rows<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return this.transaction('look', (transaction) => transaction.rows<Row>(sql, parameters));
  }

  /** Breaks every connection at once, and lets none be made from now on: for a stop that can wait no longer. */
  sever(reason: string): void {
    this.#sockets.sever(reason);
  }

  /** Closes every idle connection and waits for the busy ones. No socket is left when it returns. Harmless twice. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map(async (pool) => {
      if (!pool.ending) await pool.end();
    }));
    await this.#sockets.closed(farewellMs);
  }
}

async function begin(client: pg.PoolClient, limits: TransactionLimits, serverSettings: readonly string[]): Promise<Transaction> {
  // row_security off: an error beats a silently filtered view. An empty search_path: nothing of ours depends on it.
  const settings = [
    `BEGIN ISOLATION LEVEL ${limits.isolation ?? 'read committed'} ${limits.readOnly === true ? 'READ ONLY' : 'READ WRITE'}`,
    `SET LOCAL lock_timeout = ${limits.lockTimeoutMs}`,
    `SET LOCAL statement_timeout = ${limits.statementTimeoutMs}`,
    'SET LOCAL idle_in_transaction_session_timeout = 60000',
    ...serverSettings.map((setting) => `SET LOCAL ${setting}`),
    'SET LOCAL row_security = off',
    "SET LOCAL search_path = ''",
    'SET LOCAL extra_float_digits = 1',
    'SELECT pg_catalog.pg_backend_pid() AS pid',
  ];
  const results = await limited(client, settings.join('; '), shortLimits.statementTimeoutMs);
  const pid = (results as unknown as pg.QueryResult<{ pid: number }>[]).at(-1)?.rows[0]?.pid;
  if (pid === undefined) throw new Error('The server did not say which backend serves this connection.');
  return {
    pid,
    rows: async <Row extends object>(sql: string, parameters: readonly unknown[] = []) => {
      const result = await limited(client, sql, limits.statementTimeoutMs, parameters);
      return result.rows as Row[];
    },
    columns: async (select) => {
      const { fields } = await limited(client, `SELECT * FROM (${select}) AS described LIMIT 0`, limits.statementTimeoutMs);
      return fields.map(({ name, dataTypeID, dataTypeModifier }) => ({ name, type: dataTypeID, typmod: dataTypeModifier }));
    },
    sever: (reason) => sever(client, reason),
  };
}

function sever(client: pg.PoolClient, reason: string): void {
  socketOf(client).destroy(new Error(`connection terminated: ${reason}`));
}

/** Without a search_path: what indexes call may rely on the role's own. */
function sessionSettings(
  { lockTimeoutMs, statementTimeoutMs }: Pick<TransactionLimits, 'lockTimeoutMs' | 'statementTimeoutMs'>, serverSettings: readonly string[],
): string {
  const settings = [`lock_timeout = ${lockTimeoutMs}`, `statement_timeout = ${statementTimeoutMs}`, ...serverSettings];
  return settings.map((setting) => `SET ${setting}`).join('; ');
}

async function readPid(client: pg.PoolClient): Promise<number | undefined> {
  const { rows } = await limited(client, 'SELECT pg_catalog.pg_backend_pid() AS pid', shortLimits.statementTimeoutMs);
  return rows[0]?.pid as number | undefined;
}

/**
 * Which backend the connection was told that it has, when it was made: that of the server, unless a pooler answered, which
 * makes up numbers of its own. `pg` keeps it to cancel queries, and does not type it.
 */
function greetedAs(client: pg.ClientBase): number | null {
  return (client as unknown as { processID: number | null }).processID;
}

/** Runs one statement; rejects when the server stays silent beyond `timeoutMs` and a margin (0 means never). */
async function limited(
  client: pg.PoolClient, text: string, timeoutMs: number, values: readonly unknown[] = [],
): Promise<pg.QueryResult<Record<string, unknown>>> {
  // `query_timeout` of a single query is documented by `pg` and missing in its types.
  const config: pg.QueryConfig & { query_timeout?: number } = values.length > 0 ? { text, values: [...values] } : { text };
  if (timeoutMs > 0) config.query_timeout = timeoutMs + silenceMarginMs;
  return client.query<Record<string, unknown>>(config);
}
