import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';
import { parseViewPattern } from '../config/view-pattern.js';
import { Database, type Transaction } from '../database/database.js';
import { overDirect } from '../database/connection-error.js';
import { quoteIdentifier } from '../database/identifier.js';
import { migrate, pendingMigrations } from '../database/migrate.js';
import { loadQuery } from '../database/sql.js';
import { classifyFailure, sqlstateOf } from '../database/sqlstate.js';
import { checkDefinition } from './definition/definition-check.js';
import { lineAt, type DefinitionFile } from './definition/definition-file.js';
import type { MergeDefinition, Refusal } from './definition/definition.js';
import { readDefinition } from './definition/read-definition.js';
import { install, type Installed } from './install.js';
import { installScript, type InstallScriptOptions } from './install-script.js';
import { ensureLog } from './log-identity.js';
import { findPlace, requirePlace, type NewTable } from './new-table.js';
import { probeServerSettings, readServerFacts, requireServer, type ServerFacts } from './server.js';
import { chooseBucket, type Dimension } from './summary-bucket.js';
import { creationStatement, type SummaryDesign } from './summary-script.js';
import { requirePrivileges, surveyDefinition, type SurveyedView } from './survey.js';
import { checkWatermark, sequenceGrant } from './watermark-source.js';

const relationColumnsQuery = loadQuery('relation-columns');

/** What somebody asks for. */
export interface SummaryRequest {
  /** As it was written: looked up as CREATE TABLE does. */
  readonly name: string;
  readonly file: DefinitionFile;
  readonly capture: 'watermark';
  /** Undefined: the one column that will do. */
  readonly idColumn: string | undefined;
  /** Undefined: the one dimension that will do, if there is one. */
  readonly bucket: string | undefined;
  readonly latenessMs: number | undefined;
  readonly freshnessMs: number | undefined;
}

/** A request that nothing stands against. */
export interface ExaminedSummary {
  readonly design: SummaryDesign;
  /** What the watermark rests on: a sentence. */
  readonly restsOn: string;
  /** What is still worth doing: a sentence, and the statement. */
  readonly advice: string | undefined;
  /** The summary as a survey will find it, with what it reads; it has no oid yet. */
  readonly view: SurveyedView;
}

/** What a creation has done. */
export interface CreatedSummary extends Omit<ExaminedSummary, 'view'> {
  readonly installed: Installed;
}

export interface CreationOptions {
  /** A direct connection for the migrations. */
  readonly directUrl: string | undefined;
  /** How long writers record their changes if no worker ever comes. */
  readonly lapseMs: number;
  readonly signal: AbortSignal;
  /** A trigger waits for running writers of the source; told once a table. */
  readonly onWait: (source: string) => void;
}

/**
 * Creates a summary: its table (still empty), its definition and its records in one transaction; then the links to what it
 * reads, and the triggers, as an installation does. A worker fills it.
 *
 * Between the two nothing records changes for it, and if this process dies there, a worker that has it on its list makes
 * links and triggers in its first sweep. That loses nothing: nothing of the summary counts as absorbed yet, and it stays
 * marked whole until an absorb that began after the links has looked at everything.
 *
 * @throws UsageError with the remedy, before anything was created
 */
export async function createSummary(database: Database, request: SummaryRequest, options: CreationOptions): Promise<CreatedSummary> {
  const facts = await readServerFacts(database);
  requireServer(facts);
  await database.transaction('look', (tx) => examine(tx, request, facts));
  const migrations = (await pendingMigrations(database)).length > 0 ? await overDirect(migrate(options.directUrl, options.signal)) : [];
  database.useServerSettings(await probeServerSettings(database, facts));
  options.signal.throwIfAborted();
  await ensureLog(database);
  const { design, restsOn, advice } = await database.transaction('look', async (tx) => {
    // Once more: the migrations may have taken their time.
    const examined = await examine(tx, request, facts);
    await tx.rows(creationStatement(examined.design, 'fail'));
    return examined;
  }, creationLimits);
  const { lapseMs, directUrl, signal, onWait } = options;
  const installed = await install(database, { patterns: [parseViewPattern(design.name)], directUrl, lapseMs, signal, onWait });
  return { design, restsOn, advice, installed: { ...installed, migrations } };
}

/**
 * The whole of it as SQL, for a migration; changes nothing.
 *
 * @param commandLine the one that prints it
 * @throws UsageError with the remedy
 */
export async function summaryScript(
  database: Database, request: SummaryRequest, options: Pick<InstallScriptOptions, 'commandLine' | 'lapseMs' | 'role'>,
): Promise<string> {
  const facts = await readServerFacts(database);
  requireServer(facts, false);
  const { design, view, restsOn } = await database.transaction('look', (tx) => examine(tx, request, facts, true));
  return installScript({ views: [view], missing: [], ambiguous: [] }, {
    ...options,
    creation: [
      `-- ${restsOn}`, creationStatement(design, 'skip'),
      ...(options.role === undefined ? [] : ['-- So that the worker sees when ids are given out once more.', sequenceGrant(design, options.role)]),
    ].join('\n'),
  });
}

/** The least id of a large table without an index that leads with it takes a while: that of a partitioned one may be such. */
const creationLimits = { ...Database.shortLimits, statementTimeoutMs: 10 * 60_000 };

/**
 * Can this summary be created, and what would it be? Leaves the transaction as it was.
 *
 * @param forSomebodyElse whether another role will create it: then this one needs no right to
 * @throws UsageError with the remedy
 */
async function examine(tx: Transaction, request: SummaryRequest, facts: ServerFacts, forSomebodyElse = false): Promise<ExaminedSummary> {
  const place = await findPlace(tx, request.name);
  if (!forSomebodyElse) requirePlace(place, facts.role);
  await tx.rows('SAVEPOINT examined');
  const probeName = place.mayCreate ? place.name : 'pg_temp.listener_definition';
  const probe = await createProbe(tx, probeName, request.file).catch(async (error: unknown) => {
    await tx.rows('ROLLBACK TO SAVEPOINT examined');
    throw await explained(tx, error, request.file, probeBeginning(probeName).length);
  });
  const examined = await examineProbe(tx, request, place, probe, facts);
  if (!forSomebodyElse) requirePrivileges({ views: [examined.view], missing: [], ambiguous: [] }, facts);
  // With it go the locks on what it reads.
  await tx.rows('ROLLBACK TO SAVEPOINT examined');
  return examined;
}

/** The definition as a plain view in the place of the table, so that PostgreSQL reads it, under the role's own search path. */
async function createProbe(tx: Transaction, name: string, { select }: DefinitionFile): Promise<number> {
  await tx.rows('SET LOCAL search_path TO DEFAULT');
  await tx.rows(probeBeginning(name) + select);
  await tx.rows("SET LOCAL search_path = ''");
  const [row] = await tx.rows<{ oid: number }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS oid', [name]);
  if (row === undefined) throw new Error(`The plain view ${name} is not there.`);
  return row.oid;
}

function probeBeginning(name: string): string {
  return `CREATE VIEW ${name} AS `;
}

/** What PostgreSQL has against a definition: with the line of the file, and with what may have been meant. */
async function explained(tx: Transaction, error: unknown, { path, text, offset }: DefinitionFile, before: number): Promise<unknown> {
  if (sqlstateOf(error) === undefined || classifyFailure(error) !== 'permanent' || !(error instanceof Error)) return error;
  const { position, hint } = error as { readonly position?: string; readonly hint?: string };
  const place = position === undefined ? undefined : Number(position) - 1 - before + offset;
  const remedy = sqlstateOf(error) === undefinedTable && place !== undefined ? await meantTable(tx, wordAt(text, place)) : hint;
  return new UsageError(`${path}${place === undefined ? '' : `, line ${lineAt(text, place)}`}: ${error.message}${remedy === undefined ? '' : `. ${remedy}`}`, { cause: error });
}

const undefinedTable = '42P01';

/** The name, perhaps with its schema, that begins at a place. */
function wordAt(text: string, place: number): string {
  return /^(?:[\w$\u0080-\uffff]+|"(?:[^"]|"")*"|\s*\.\s*)+/.exec(text.slice(place))?.[0] ?? '';
}

async function meantTable(tx: Transaction, name: string): Promise<string | undefined> {
  const tables = await tx.rows<{ name: string }>(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$|refresh_listener$)'`,
  );
  const nearest = nearestNames(name, tables.map((table) => table.name));
  return nearest.length === 0 ? undefined : `Did you mean ${nearest.join(' or ')}?`;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isTime: boolean;
}

async function examineProbe(tx: Transaction, request: SummaryRequest, place: NewTable, probe: number, facts: ServerFacts): Promise<ExaminedSummary> {
  const { file, bucket: wanted, latenessMs, freshnessMs, capture } = request;
  const [viewdef] = await tx.rows<{ sql: string }>('SELECT pg_catalog.pg_get_viewdef($1::pg_catalog.oid) AS sql', [probe]);
  const sql = (viewdef?.sql ?? '').trim().replace(/;$/, '');
  const definition = accepted(await readDefinition(sql), file.path).definition;
  const source = await requireReadable(tx, definition.source.name, facts.role);
  const checked = accepted(await checkDefinition(tx, probe, definition), file.path);
  const watermark = accepted(await checkWatermark(tx, checked.source, request.idColumn), source);
  const columns = await tx.rows<Column>(relationColumnsQuery, [probe]);
  const dimensions = dimensionsOf(definition, columns, await tx.rows<Column>(relationColumnsQuery, [checked.source]));
  const bucket = chooseBucket(dimensions, wanted, latenessMs !== undefined);
  const view = await surveyDefinition(tx, { name: place.name, schema: place.schema, owner: facts.role, definedBy: probe });
  return {
    design: {
      name: place.name, keyName: place.keyName, definition: sql, columns: [...columns, ...ownColumns(definition)],
      dimensions: dimensions.map(({ name }) => name), source: { oid: checked.source, name: source },
      capture, idColumn: watermark.idColumn, sequence: watermark.sequence, bucket, latenessMs, freshnessMs,
    },
    restsOn: watermark.generatedAlways
      ? `${watermark.idColumn} is GENERATED ALWAYS, which proves that every INSERT draws its own id, in order.`
      : `The ids in ${watermark.idColumn} come from a default: the summary rests on each INSERT drawing its own id, in order; listener verify audits it.`,
    advice: watermark.mayReadSequence ? undefined
      : `This role may not read the sequence ${watermark.sequence}: until it may, ids that are given out once more are found by repair alone. ${sequenceGrant(watermark, facts.role)}`,
    view,
  };
}

/** @throws UsageError for what is refused */
function accepted<Answer extends object>(answer: Answer | Refusal, what: string): Answer {
  if (!('refusal' in answer)) return answer;
  throw new UsageError(`${what} ${answer.refusal}: ${answer.remedy}`);
}

function dimensionsOf(definition: MergeDefinition, columns: readonly Column[], source: readonly Column[]): Dimension[] {
  return definition.columns.flatMap(({ role, name }) => {
    const column = role === 'dimension' ? columns.find((one) => one.name === name) : undefined;
    if (column === undefined) return [];
    return [{ ...column, reads: definition.columnsOf(name).flatMap((read) => source.find((one) => one.name === read) ?? []) }];
  });
}

/** What the table has beyond the columns of the definition. */
function ownColumns(definition: MergeDefinition): SummaryDesign['columns'] {
  return [
    { name: 'updated_at', type: 'timestamp with time zone NOT NULL DEFAULT pg_catalog.now()', remark: 'When the listener last wrote this row.' },
    ...definition.columns.flatMap((column) => (column.role !== 'avg' ? [] : [
      { name: column.sum, type: 'numeric', remark: `Of the listener: the sum whose quotient by ${column.count} is ${column.name}. No part of the result.` },
      { name: column.count, type: 'bigint', remark: `Of the listener: how many values ${column.name} is the average of. No part of the result.` },
    ])),
  ];
}

/** A worker reads rows of the source by their ids, under its own name. @returns its name, quoted as needed */
async function requireReadable(tx: Transaction, source: string, role: string): Promise<string> {
  const [row] = await tx.rows<{ name: string; readable: boolean }>(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)`,
    [source],
  );
  if (row === undefined) throw new Error(`The table ${source} is not there.`);
  if (!row.readable) throw new UsageError(`role ${role} may not read ${row.name}. Run as its owner: GRANT SELECT ON ${row.name} TO ${quoteIdentifier(role)};`);
  return row.name;
}
