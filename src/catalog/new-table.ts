import { UsageError } from '../config/usage-error.js';
import { parseViewPattern } from '../config/view-pattern.js';
import type { Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';

const newTableQuery = loadQuery('new-table');

/** A table that is yet to be created. */
export interface NewTable {
  readonly schema: string;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  /** For its unique constraint; unquoted. */
  readonly keyName: string;
  /** Whether the role may create it. */
  readonly mayCreate: boolean;
  /** Of the schema. */
  readonly owner: string;
}

interface Found extends NewTable {
  readonly taken: string | null;
}

/** Names that no table of anybody's may stand under. */
const otherSchemas = /^(refresh_listener|information_schema|pg_.*)$/;
const mostNameBytes = 63;

/**
 * Where CREATE TABLE would put a table of this name: in the schema given with it, else in the first one of the role's
 * search path.
 *
 * @throws UsageError: no such schema, or the name is taken
 */
export async function findPlace(tx: Pick<Transaction, 'rows'>, text: string): Promise<NewTable> {
  const { schema, name } = parseViewPattern(text);
  if (name.kind === 'pattern' || schema?.kind === 'pattern') {
    throw new UsageError(`${text} is a pattern: give the name that the summary shall have`);
  }
  const place = schema?.name ?? (await currentSchema(tx));
  if (place === undefined) throw new UsageError(`the search_path of this role names no schema for ${text}: give it with its schema, such as public.${text}`);
  if (otherSchemas.test(place)) throw new UsageError(`${text} cannot be created in schema ${place}: give a schema of the application`);
  const [found] = await tx.rows<Found>(newTableQuery, [place, name.name, keyNames(name.name)]);
  if (found === undefined) throw new UsageError(`there is no schema ${place}: CREATE SCHEMA ${quoteIdentifier(place)}; or give another one`);
  if (found.taken !== null) {
    throw new UsageError(`${found.name} is there already, ${kinds[found.taken] ?? 'a relation'}: choose another name`);
  }
  return found;
}

/** @throws UsageError naming the GRANT */
export function requirePlace({ schema, owner, mayCreate }: NewTable, role: string): void {
  if (mayCreate) return;
  throw new UsageError(
    `role ${role} may create no table in schema ${schema}. Run as ${owner}: GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${quoteIdentifier(role)};`,
  );
}

/** What bears a name, by its `relkind`. */
const kinds: Readonly<Record<string, string>> = {
  r: 'a table', p: 'a partitioned table', v: 'a plain view', m: 'a materialized view', f: 'a foreign table', S: 'a sequence', i: 'an index',
  I: 'an index', c: 'a type', T: 'a type',
};

async function currentSchema(tx: Pick<Transaction, 'rows'>): Promise<string | undefined> {
  await tx.rows('SET LOCAL search_path TO DEFAULT');
  const [row] = await tx.rows<{ schema: string | null }>('SELECT pg_catalog.current_schema()::pg_catalog.text AS schema');
  await tx.rows("SET LOCAL search_path = ''");
  return row?.schema ?? undefined;
}

/** As PostgreSQL would call the constraint, and what it would try next. Pure. */
export function keyNames(table: string): string[] {
  return Array.from({ length: 20 }, (_, number) => {
    const ending = `_key${number === 0 ? '' : number}`;
    let stem = table;
    while (Buffer.byteLength(stem) > mostNameBytes - ending.length) stem = Array.from(stem).slice(0, -1).join('');
    return `${stem}${ending}`;
  });
}
