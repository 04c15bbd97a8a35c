import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { TestDatabase } from '../support/database.js';

/** What a follower remembers of the log between two looks, and the condition for a row to be new. */
const rules = {
  /** The rule of the cursors. */
  snapshot: { mark: 'pg_current_snapshot()::text', isNew: `xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)` },
  /** What one would write first: three marks that look as if they only grew. */
  transaction: { mark: 'coalesce(max(xid)::text, $1)', isNew: 'xid > $1::xid8' },
  time: { mark: 'coalesce(max(changed_at)::text, $1)', isNew: 'changed_at > $1::timestamptz' },
  number: { mark: 'coalesce(max(id)::text, $1)', isNew: 'id > $1::int8' },
} as const;
export type Rule = keyof typeof rules;

const firstMarks: Readonly<Record<Rule, string>> = { snapshot: '3:3:', transaction: '0', time: '-infinity', number: '0' };

/** A log of its own beside ours, never cleaned, and followers of it that each remember something else. */
export class Watermarks {
  readonly #db: TestDatabase;
  readonly #seen = new Map<Rule, Set<string>>();
  readonly #stop = new AbortController();
  #following: Promise<unknown> = Promise.resolve();

  constructor(db: TestDatabase) {
    this.#db = db;
  }

  async start(): Promise<void> {
    await this.#db.admin.query(`
      CREATE TABLE public.beside_log (
        id bigserial, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), changed_at timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE FUNCTION public.note_beside() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        'BEGIN INSERT INTO public.beside_log DEFAULT VALUES; RETURN NULL; END'`);
    for (const table of ['items', 'events', 'base']) {
      await this.#db.admin.query(`CREATE TRIGGER beside AFTER INSERT OR UPDATE OR DELETE ON public.${table} EXECUTE FUNCTION public.note_beside()`);
    }
    this.#following = Promise.all((Object.keys(rules) as Rule[]).map((rule) => this.#follow(rule)));
  }

  /** How many rows each follower has never seen, of how many. */
  async stop(): Promise<{ readonly rows: number; readonly missed: Readonly<Record<Rule, number>> }> {
    this.#stop.abort();
    await this.#following;
    const { rows } = await this.#db.admin.query<{ id: string }>('SELECT id::text FROM public.beside_log');
    const missed = (rule: Rule) => rows.filter(({ id }) => this.#seen.get(rule)?.has(id) !== true).length;
    return {
      rows: rows.length,
      missed: { snapshot: missed('snapshot'), transaction: missed('transaction'), time: missed('time'), number: missed('number') },
    };
  }

  async #follow(rule: Rule): Promise<void> {
    const client = new pg.Client(this.#db.url('admin'));
    await client.connect();
    const seen = new Set<string>();
    this.#seen.set(rule, seen);
    const { mark: nextMark, isNew } = rules[rule];
    const query = `SELECT coalesce(array_agg(id::text), '{}') AS ids, ${nextMark} AS mark FROM public.beside_log WHERE ${isNew}`;
    let mark = firstMarks[rule];
    // One look more after the stop: what has committed by then is to be seen.
    for (let last = false; !last;) {
      last = this.#stop.signal.aborted;
      const { rows } = await client.query<{ ids: string[]; mark: string }>(query, [mark]);
      for (const id of rows[0]?.ids ?? []) seen.add(id);
      mark = rows[0]?.mark ?? mark;
      if (!last) await pause(5);
    }
    await client.end();
  }
}
