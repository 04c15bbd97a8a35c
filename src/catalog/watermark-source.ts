import { nearestNames } from '../config/nearest-names.js';
import type { Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';
import type { Refusal } from './definition/definition.js';

const factsQuery = loadQuery('watermark-source');

/** A sequence from which a column draws. Numbers of 64 bits are text, since JSON would round them. */
export interface SequenceFacts {
  readonly oid: number;
  readonly name: string;
  /** Whether the column's value is the next one itself, not an expression over it. */
  readonly plain: boolean;
  readonly cache: string;
  readonly increment: string;
  readonly cycle: boolean;
  readonly unlogged: boolean;
  readonly readable: boolean;
  /** Null: none was drawn, or we may not look. */
  readonly lastValue: string | null;
}

export interface IdColumnFacts {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  /** `attidentity`: 'a' GENERATED ALWAYS, 'd' BY DEFAULT, '' none. */
  readonly identity: string;
  readonly default: string | null;
  readonly sequences: readonly SequenceFacts[];
  readonly primary: boolean;
  /** By an index on it alone, or together with columns of partition keys. */
  readonly unique: boolean;
}

/** A table; `kind` and `persistence` are `relkind` and `relpersistence`. */
export interface TableFacts {
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly columns: readonly IdColumnFacts[];
}

/** The row of `watermark-source.sql`. */
export interface WatermarkFacts extends TableFacts {
  /** Every partition or child, at any depth. */
  readonly below: readonly TableFacts[];
  /** Tables of the tree that logical replication writes to. */
  readonly subscribed: readonly string[];
}

/** A column whose ids are drawn in order from one sequence. */
export interface WatermarkSource {
  readonly idColumn: string;
  /** Quoted and qualified. */
  readonly sequence: string;
  /** Else ids that are given out once more, and ids below one that was written by hand, are found by repair alone. */
  readonly mayReadSequence: boolean;
  /** Whether the table and all its leaves refuse an id that a plain INSERT brings along; else an application may have drawn it long before. */
  readonly generatedAlways: boolean;
  /** The last id drawn, a whole number of up to 64 bits; null: none was drawn, or we may not look. */
  readonly lastValue: string | null;
}

/**
 * May ids of this table serve as a watermark? One query, which reads the catalog alone; ask again at each absorb.
 *
 * @param idColumn its name as the catalog has it; undefined: the identity column, else the primary key that a sequence fills,
 * else the only such column that is unique and NOT NULL
 * @returns the column, or a clause about the table to follow "it"
 */
export async function checkWatermark(tx: Pick<Transaction, 'rows'>, source: number, idColumn?: string): Promise<WatermarkSource | Refusal> {
  const [facts] = await tx.rows<WatermarkFacts>(factsQuery, [source]);
  return facts === undefined ? { refusal: 'is not there any more', remedy: 'drop the summary, or restore the table' } : judgeWatermark(facts, idColumn);
}

/** What lets a role follow a watermark closely. Pure. */
export function sequenceGrant({ sequence }: Pick<WatermarkSource, 'sequence'>, role: string): string {
  return `GRANT SELECT ON SEQUENCE ${sequence} TO ${quoteIdentifier(role)};`;
}

const otherwise = '; otherwise it needs --capture changes, which this version does not have';

/** Pure. */
export function judgeWatermark(facts: WatermarkFacts, idColumn?: string): WatermarkSource | Refusal {
  const refusal = refuseTable(facts);
  if (refusal !== undefined) return refusal;
  const column = idColumn === undefined ? findIdColumn(facts.columns) : namedColumn(facts.columns, idColumn);
  if ('refusal' in column) return column;
  const sequence = readSequence(column);
  if ('refusal' in sequence) return sequence;
  const leaf = refuseLeaves(facts.below, column.name, sequence);
  if (leaf !== undefined) return leaf;
  const own = facts.below.flatMap((table) => table.columns.filter(({ name }) => name === column.name));
  return {
    idColumn: column.name,
    sequence: sequence.name,
    mayReadSequence: sequence.readable,
    generatedAlways: [column, ...own].every(({ identity }) => identity === 'a'),
    lastValue: sequence.lastValue,
  };
}

function refuseTable({ kind, persistence, below, subscribed }: WatermarkFacts): Refusal | undefined {
  if (kind !== 'r' && kind !== 'p') return { refusal: 'is no table', remedy: 'name a table' };
  if (persistence === 't') return { refusal: 'is a temporary table, which only its own session can read', remedy: 'use an ordinary table' };
  if (persistence === 'u') return { refusal: 'is unlogged: a crash empties it', remedy: `ALTER TABLE ... SET LOGGED${otherwise}` };
  if (kind === 'r' && below.length > 0) {
    return { refusal: `has children by inheritance (${below[0]?.name}), over which no index makes an id unique`, remedy: `use declarative partitions${otherwise}` };
  }
  const foreign = below.find((table) => table.kind === 'f');
  if (foreign !== undefined) return { refusal: `has the foreign partition ${foreign.name}, whose changes nobody records`, remedy: 'keep it as a materialized view with --schedule or --max-age' };
  const unlogged = below.find((table) => table.persistence !== 'p');
  if (unlogged !== undefined) return { refusal: `has the unlogged partition ${unlogged.name}: a crash empties it`, remedy: `ALTER TABLE ${unlogged.name} SET LOGGED${otherwise}` };
  if (subscribed[0] !== undefined) {
    return { refusal: `gets rows by logical replication (${subscribed[0]}), with ids that another server has drawn`, remedy: `make the summary where the rows are inserted${otherwise}` };
  }
  return undefined;
}

function namedColumn(columns: readonly IdColumnFacts[], name: string): IdColumnFacts | Refusal {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const near = nearestNames(name, columns.map((column) => column.name));
  return { refusal: `has no column ${name}`, remedy: near.length > 0 ? `--id ${near.join(' or --id ')}` : 'name the column of its ids with --id' };
}

/** The one column that will do; where there is none the one that comes nearest, so that its fault is told. */
function findIdColumn(columns: readonly IdColumnFacts[]): IdColumnFacts | Refusal {
  const drawn = columns.filter(({ sequences }) => sequences.length > 0);
  const identity = drawn.find((column) => column.identity !== '');
  if (identity !== undefined) return identity;
  const fit = drawn.filter(({ type, notNull, unique }) => isInteger(type) && notNull && unique);
  const primary = fit.filter((column) => column.primary);
  const likely = [primary, fit, drawn].find((some) => some.length > 0) ?? [];
  if (likely[0] !== undefined && likely.length === 1) return likely[0];
  if (likely.length > 1) {
    const names = likely.map(({ name }) => name);
    return { refusal: `has several columns that draw from a sequence (${names.join(', ')})`, remedy: `say which: --id ${names.join(' or --id ')}` };
  }
  return { refusal: 'has no column that draws its values from a sequence', remedy: `give it an identity column${otherwise}` };
}

function isInteger(type: string): boolean {
  return ['smallint', 'integer', 'bigint'].includes(type);
}

/** The sequence of a column of which nothing is amiss. */
function readSequence({ name, type, notNull, unique, sequences, default: expression }: IdColumnFacts): SequenceFacts | Refusal {
  if (!isInteger(type)) return { refusal: `has ids of type ${type} in ${name}, which is no integer`, remedy: `name an integer column with --id${otherwise}` };
  const [sequence] = sequences;
  if (sequence === undefined) {
    return { refusal: `does not draw ${name} from a sequence`, remedy: `name a column that does with --id, or make this one an identity column${otherwise}` };
  }
  if (sequences.length > 1 || !sequence.plain) {
    return { refusal: `makes ${name} by an expression, ${expression ?? 'of several sequences'}, so that ids need not come in order`, remedy: `name a column whose default is nextval() alone with --id${otherwise}` };
  }
  if (!notNull) return { refusal: `allows NULL in ${name}, and such rows would never be read`, remedy: `ALTER COLUMN ${name} SET NOT NULL${otherwise}` };
  if (!unique) return { refusal: `has no unique index on ${name} alone that is valid and without a WHERE`, remedy: `CREATE UNIQUE INDEX CONCURRENTLY on it${otherwise}` };
  return refuseSequence(name, sequence) ?? sequence;
}

function refuseSequence(column: string, { name, cache, increment, cycle, unlogged }: SequenceFacts): Refusal | undefined {
  const draws = `draws ${column} from the sequence ${name}`;
  if (cache !== '1') {
    return { refusal: `${draws} with CACHE ${cache}: each session uses up ids of its own, in no common order`, remedy: `ALTER SEQUENCE ${name} CACHE 1, then end the sessions that have used it${otherwise}`, sql: `ALTER SEQUENCE ${name} CACHE 1;` };
  }
  if (increment !== '1') return { refusal: `${draws} with INCREMENT ${increment}`, remedy: `ALTER SEQUENCE ${name} INCREMENT 1${otherwise}`, sql: `ALTER SEQUENCE ${name} INCREMENT 1;` };
  if (cycle) return { refusal: `${draws}, which begins anew at its end (CYCLE)`, remedy: `ALTER SEQUENCE ${name} NO CYCLE${otherwise}`, sql: `ALTER SEQUENCE ${name} NO CYCLE;` };
  if (unlogged) return { refusal: `${draws}, which is unlogged: after a crash it gives out ids again`, remedy: `ALTER SEQUENCE ${name} SET LOGGED${otherwise}`, sql: `ALTER SEQUENCE ${name} SET LOGGED;` };
  return undefined;
}

/**
 * A leaf without a default takes only ids that its INSERT names: those of the root, or what an application brings along, as
 * it may through the root.
 */
function refuseLeaves(below: readonly TableFacts[], column: string, sequence: SequenceFacts): Refusal | undefined {
  for (const table of below) {
    const id = table.columns.find(({ name }) => name === column);
    if (id === undefined || id.default === null && id.sequences.length === 0) continue;
    const [own] = id.sequences;
    if (own !== undefined && id.sequences.length === 1 && own.plain && own.oid === sequence.oid) continue;
    return {
      refusal: `has the partition ${table.name}, which draws ${column} from elsewhere (${own?.name ?? id.default ?? 'another default'})`,
      remedy: `ALTER TABLE ${table.name} ALTER COLUMN ${column} SET DEFAULT nextval('${sequence.name}')${otherwise}`,
    };
  }
  return undefined;
}
