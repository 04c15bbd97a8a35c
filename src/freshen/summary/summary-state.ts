import { readDefinition } from '../../catalog/definition/read-definition.js';
import type { MergeDefinition } from '../../catalog/definition/definition.js';
import type { Holders } from '../../catalog/run-record.js';
import type { Transaction } from '../../database/database.js';
import { loadQuery } from '../../database/sql.js';
import type { Gap } from './gap.js';

const summaryStateQuery = loadQuery('summary-state');
const holdersQuery = loadQuery('holders');

/** The row of `summary-state.sql`. */
interface StateRow {
  readonly name: string;
  /** Null: it was dropped, along with what it reads. */
  readonly definition: string | null;
  readonly idColumn: string;
  readonly bucketColumn: string | null;
  readonly lateness: string | null;
  readonly bucketType: string | null;
  readonly closedBefore: string | null;
  readonly keptSettings: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly fillBegan: boolean;
  readonly filled: boolean;
  readonly repairedAtMs: number | null;
  readonly nowMs: number;
  readonly firstId: string;
  readonly lastId: string;
  readonly batch: number;
  readonly rowsBehind: number;
  readonly gaps: readonly Gap[];
}

/** How a summary is kept, and how far it has come. */
export interface SummaryState extends Omit<StateRow, 'definition'> {
  readonly definition: MergeDefinition;
  /** All gaps together, as `int8multirange` prints. */
  readonly gapIds: string;
}

/** A summary whose definition cannot be kept any more: somebody has changed it, or what it reads. */
export class DefinitionRefused extends Error {
  override readonly name = 'DefinitionRefused';
  /** feature_not_supported: a person must do something. */
  readonly code = '0A000';
}

const defaultBatch = 50_000;

/**
 * Undefined when the summary is gone.
 *
 * @param firstBatch rows that its first batch takes
 * @throws DefinitionRefused
 */
export async function readSummaryState(tx: Transaction, view: number, firstBatch = defaultBatch): Promise<SummaryState | undefined> {
  const [row] = await tx.rows<StateRow>(summaryStateQuery, [view, firstBatch]);
  if (row === undefined) return undefined;
  if (row.definition === null) {
    throw new DefinitionRefused(`${row.name} cannot be kept any more: its definition was dropped, along with what it reads. Drop it with listener summary drop ${row.name}, and create it anew.`);
  }
  const reading = await definitionOf(row.definition);
  if ('refusal' in reading) throw new DefinitionRefused(`The definition of ${row.name} ${reading.refusal}: ${reading.remedy}.`);
  return { ...row, definition: reading.definition, gapIds: union(row.gaps.map((gap) => gap.ids)) };
}

/** Who holds a write lock on the source, or a child of it, now. To be asked after the snapshot. */
export async function readHolders(tx: Transaction, source: string): Promise<Holders> {
  const [row] = await tx.rows<{ holders: Holders }>(holdersQuery, [source]);
  return row?.holders ?? {};
}

/** One `int8multirange` of several, which PostgreSQL puts in order as it reads it. Pure. */
export function union(ranges: readonly string[]): string {
  return `{${ranges.map((range) => range.slice(1, -1)).filter((range) => range !== '').join(',')}}`;
}

type Read = Awaited<ReturnType<typeof readDefinition>>;
const mostDefinitions = 100;
const definitions = new Map<string, Promise<Read>>();

/** Parsing takes longer than a batch does: the texts that were read last are remembered. */
function definitionOf(sql: string): Promise<Read> {
  const known = definitions.get(sql);
  if (known !== undefined) return known;
  if (definitions.size >= mostDefinitions) definitions.clear();
  const reading = readDefinition(sql);
  definitions.set(sql, reading);
  return reading;
}
