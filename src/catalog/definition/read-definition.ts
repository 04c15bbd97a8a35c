import type { ScanToken } from 'libpg-query';
import { quoteIdentifier } from '../../database/identifier.js';
import { beginningOf } from './beginning.js';
import { DefinitionText } from './definition-text.js';
import type { MergeDefinition, Reading, SummaryColumn } from './definition.js';
import { listOf, locationOf, nodeOf, nodesIn, wordsOf } from './parse-tree.js';
import { readSelectList, type Target } from './select-list.js';
import { isRefusal, readStatement, type MergeStatement } from './statement.js';

/**
 * Can the plan `merge` keep what this SELECT says? The queries that keep it are cut out of its own text, since that is
 * what PostgreSQL has made of it, names resolved: nothing is written anew but what is put in.
 *
 * @param sql what pg_get_viewdef prints under an empty search_path: names qualified, GROUP BY resolved
 */
export async function readDefinition(sql: string): Promise<Reading> {
  // Only here, since PostgreSQL's parser takes a tenth of a second to load.
  const { parse, scan, hasSqlDetails } = await import('libpg-query');
  let statements: readonly unknown[];
  let tokens: readonly ScanToken[];
  try {
    // Of nothing at all the parser says that it was called wrongly.
    const anything = sql.trim() !== '';
    statements = anything ? (await parse(sql)).stmts ?? [] : [];
    tokens = anything ? (await scan(sql)).tokens : [];
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    return { refusal: `cannot be read: ${error.message}`, remedy: 'give one plain SELECT' };
  }
  const statement = readStatement(statements);
  if (isRefusal(statement)) return statement;
  const text = new DefinitionText(sql, tokens);
  const places = readPlaces(text, statement);
  const columns = readSelectList(places.targets, listOf(statement.select.groupClause));
  return 'refusal' in columns ? columns : { definition: compose(text, statement, places, columns) };
}

/** An entry of the select list, and its tokens without `AS name`. */
interface PlacedTarget extends Target {
  readonly first: number;
  readonly last: number;
}

interface Places {
  readonly targets: readonly PlacedTarget[];
  /** Tokens: FROM, and the last one of what stands there. */
  readonly from: number;
  readonly tableEnd: number;
}

function readPlaces(text: DefinitionText, { select, table }: MergeStatement): Places {
  const from = text.tokenAt(locationOf(table)) - 1;
  let tableEnd = from + 1;
  while (tableEnd < text.last && !text.is(tableEnd + 1, 'WHERE') && !text.is(tableEnd + 1, 'GROUP')) tableEnd += 1;
  const entries = listOf(select.targetList).map((entry) => nodeOf(entry)?.fields ?? {});
  const starts = entries.map((fields) => text.tokenAt(locationOf(fields)));
  const targets = entries.map((fields, place): PlacedTarget => {
    const first = starts[place] ?? 0;
    const next = starts[place + 1];
    // Before the next entry stands a comma.
    const last = (next === undefined ? from : next - 1) - 1;
    const { name, val: expression } = fields;
    if (typeof name === 'string') return { name, expression, first, last: text.is(last - 1, 'AS') ? last - 2 : last - 1 };
    const column = nodeOf(expression);
    // pg_get_viewdef leaves AS away for a column that keeps its name alone.
    if (column?.kind !== 'ColumnRef') throw new Error('A column of the definition has no name: it is not what pg_get_viewdef prints.');
    return { name: wordsOf(column.fields.fields).at(-1) ?? '', expression, first, last };
  });
  return { targets, from, tableEnd };
}

function compose(text: DefinitionText, { select, table }: MergeStatement, { targets, from, tableEnd }: Places, columns: readonly SummaryColumn[]): MergeDefinition {
  const relation = table.relname ?? '';
  // Under an empty search_path only the system's own tables stand without their schema.
  const schema = table.schemaname ?? 'pg_catalog';
  const alias = quoteIdentifier(table.alias?.aliasname ?? relation);
  const item = (rows: string): string => `(${rows}) AS ${alias}`;
  const hidden = columns.flatMap((column, place) => (column.role === 'avg' ? hiddenOf(text, targets[place], column) : []));
  const dimension = (name: string): PlacedTarget => {
    const place = columns.findIndex((column) => column.role === 'dimension' && column.name === name);
    const target = targets[place];
    if (target === undefined) throw new Error(`The definition has no dimension ${name}.`);
    return target;
  };
  const taken = columns.flatMap(({ role, name }, place) => (
    role === 'dimension' || role === 'count' ? [] : [`(${argumentOf(text, targets[place])}) AS ${quoteIdentifier(name)}`]));
  return {
    columns,
    source: { schema, relation, name: `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}` },
    isFiltered: select.whereClause !== undefined,
    select: (rows) => [
      [text.between(0, from - 1), ...hidden, 'pg_catalog.count(*) AS _rows'].join(',\n    '), ` FROM ${item(rows)}`, text.between(tableEnd + 1, text.last),
    ].join('\n  '),
    selectDimension: (name, rows) => {
      const { first, last } = dimension(name);
      return `SELECT ${text.between(first, last)} AS bucket FROM ${item(rows)}`;
    },
    selectArguments: (rows) => (taken.length === 0 ? undefined : `SELECT ${taken.join(', ')} FROM ${item(rows)}`),
    columnsOf: (name) => [...new Set([...nodesIn(dimension(name).expression)].flatMap(({ kind, fields }) => (
      kind === 'ColumnRef' ? wordsOf(fields.fields).slice(-1) : [])))],
    beginningOf: (name) => beginningOf(dimension(name).expression),
  };
}

/** The sum and the count that an average is made of: its own call, with its argument and FILTER, by another name. */
function hiddenOf(text: DefinitionText, target: PlacedTarget | undefined, { sum, count }: { sum: string; count: string }): string[] {
  const { open, end } = callIn(text, target);
  const call = text.between(open, end);
  return [
    // Whatever it sums: the sum of a column of whole numbers is no numeric, the column that keeps it is.
    `(pg_catalog.sum${call})::pg_catalog.numeric AS ${quoteIdentifier(sum)}`,
    `pg_catalog.count${call} AS ${quoteIdentifier(count)}`,
  ];
}

/** What an aggregate of one argument takes. */
function argumentOf(text: DefinitionText, target: PlacedTarget | undefined): string {
  const { open, close } = callIn(text, target);
  return text.between(open + 1, close - 1);
}

/** An aggregate's brackets, after its name, which may bear its schema; and its end, which is that of FILTER if it has one. */
function callIn(text: DefinitionText, target: PlacedTarget | undefined): { readonly open: number; readonly close: number; readonly end: number } {
  let open = text.tokenAt(locationOf(nodeOf(target?.expression)?.fields ?? {}));
  while (!text.is(open, '(')) open += 1;
  const close = text.closing(open);
  return { open, close, end: text.is(close + 1, 'FILTER') ? text.closing(close + 2) : close };
}
