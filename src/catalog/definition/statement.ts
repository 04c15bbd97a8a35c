import type { RangeVar, SelectStmt } from 'libpg-query';
import type { Refusal } from './definition.js';
import { listOf, nodeOf, nodesIn, wordsOf } from './parse-tree.js';

/** A statement over one table, whose clauses `merge` can keep; its select list is another matter. */
export interface MergeStatement {
  readonly select: SelectStmt;
  readonly table: RangeVar;
}

const asMatview = 'keep it as a materialized view: listener --views NAME';
const overSummary = 'put it into a plain view over the summary';
/** Columns that every table has, and that a SELECT with other rows has not. */
const systemColumns: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/** Pure. @param statements what libpg-query makes of the whole text */
export function readStatement(statements: readonly unknown[]): MergeStatement | Refusal {
  const [statement] = statements as readonly { readonly stmt?: unknown }[];
  const node = nodeOf(statement?.stmt);
  if (node?.kind !== 'SelectStmt' || statements.length !== 1) return refuse('is not one SELECT', 'give one plain SELECT');
  const select = node.fields as SelectStmt;
  return refuseClauses(select) ?? refuseExpressions(select) ?? readFrom(select);
}

export function isRefusal(value: object): value is Refusal {
  return 'refusal' in value;
}

function refuse(refusal: string, remedy: string): Refusal {
  return { refusal, remedy };
}

function refuseClauses(select: SelectStmt): Refusal | undefined {
  if (select.withClause !== undefined) return refuse('has a WITH query', `write it as one SELECT over the table, or ${asMatview}`);
  if (select.op !== undefined && select.op !== 'SETOP_NONE') {
    return refuse('combines several SELECTs (UNION, INTERSECT, EXCEPT)', `make a summary of each and combine them in a plain view, or ${asMatview}`);
  }
  if (select.valuesLists !== undefined) return refuse('is a list of VALUES and reads no table', 'give a SELECT over the table to be summarised');
  if (select.distinctClause !== undefined) return refuse('has DISTINCT', 'group by those columns in its place: that makes the rows distinct');
  if (select.groupDistinct === true || has(select.groupClause, 'GroupingSet')) {
    return refuse('groups by several sets of keys (GROUPING SETS, ROLLUP, CUBE)', `make a summary of the finest set and add it up in a plain view, or ${asMatview}`);
  }
  if (select.havingClause !== undefined) return refuse('has HAVING', `leave it out and ${overSummary}, as a WHERE`);
  if (select.windowClause !== undefined) return refuse('has windows', `leave them out and ${overSummary}`);
  if (select.sortClause !== undefined) return refuse('has ORDER BY', 'leave it out and order where the summary is read: a table has no order');
  if (select.limitCount !== undefined || select.limitOffset !== undefined) return refuse('has LIMIT or OFFSET', `leave it out and ${overSummary}`);
  if (select.lockingClause !== undefined) return refuse('locks the rows that it reads (FOR UPDATE or its like)', 'leave the locking clause out');
  return undefined;
}

function refuseExpressions(select: SelectStmt): Refusal | undefined {
  for (const { kind, fields } of nodesIn([select.targetList, select.whereClause, select.groupClause])) {
    if (kind === 'SubLink') return refuse('has a subquery', `keep the looked-up value in the table itself, or ${asMatview}`);
    if (kind === 'FuncCall' && fields.over !== undefined) {
      return refuse(`computes ${wordsOf(fields.funcname).at(-1)}() over a window`, `leave it out and ${overSummary}`);
    }
    if (kind === 'GroupingFunc') return refuse('asks for GROUPING()', 'leave it out: it says something of several sets of keys alone');
    if (kind !== 'ColumnRef') continue;
    const name = wordsOf(fields.fields).at(-1) ?? '';
    if (name === '*') return refuse('reads the whole row as one value', 'name the columns that it needs; to count rows, count(*)');
    if (systemColumns.has(name)) return refuse(`reads the system column ${name}`, 'use a column of the table itself');
  }
  return undefined;
}

function readFrom(select: SelectStmt): MergeStatement | Refusal {
  const [from, ...others] = listOf(select.fromClause);
  const item = nodeOf(from);
  if (item === undefined) return refuse('reads no table', 'give a SELECT over the table to be summarised');
  const relations = [...nodesIn(select.fromClause)].flatMap(({ kind, fields }) => (kind === 'RangeVar' ? [nameOf(fields as RangeVar)] : []));
  if (others.length > 0 || item.kind === 'JoinExpr') {
    return refuse(relations.length > 1 ? `reads ${relations.length} tables (${relations.join(', ')})` : 'joins a table with something else', `summarise one table and join the others to the summary in a plain view, or ${asMatview}`);
  }
  switch (item.kind) {
    case 'RangeVar': return readTable(select, item.fields);
    case 'RangeSubselect': return refuse('has a subquery in FROM', `write it as one SELECT over the table, or ${asMatview}`);
    case 'RangeTableSample': return refuse('takes a sample of the table (TABLESAMPLE)', 'leave TABLESAMPLE out, or write a WHERE over the columns that chooses the rows');
    default: return refuse('reads a function in FROM', `read the table that the rows come from, or ${asMatview}`);
  }
}

function readTable(select: SelectStmt, table: RangeVar): MergeStatement | Refusal {
  const name = nameOf(table);
  if (table.inh !== true) return refuse(`reads ONLY ${name}, without its partitions or children`, 'leave ONLY out');
  if (table.alias?.colnames !== undefined) return refuse(`gives the columns of ${name} other names in FROM`, "use the table's own names, and rename in the select list");
  if (select.groupClause === undefined) return refuse('has no GROUP BY', 'group by a bucket of time or another key, and add the groups up in a plain view over the summary');
  return { select, table };
}

function nameOf(table: RangeVar): string {
  return [table.schemaname ?? [], table.relname ?? []].flat().join('.');
}

function has(value: unknown, kind: string): boolean {
  return [...nodesIn(value)].some((node) => node.kind === kind);
}
