import { listOf, nodeOf, nodesIn, wordsOf, type ParseNode } from './parse-tree.js';

/** Both take a time as their second argument, and return the beginning of the bucket that it lies in. */
const cutting: ReadonlySet<string> = new Set(['date_trunc', 'date_bin']);
const times: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz']);

/**
 * The column that an expression takes the beginning of: of its hour, its month, its five minutes. What the expression
 * returns then lies at most a time zone's shift after the column, and does not fall as the column rises. Pure.
 *
 * @param expression a node of the parse tree of what pg_get_viewdef prints: names without a schema are PostgreSQL's own
 * @returns undefined for every other expression
 */
export function beginningOf(expression: unknown): string | undefined {
  const node = nodeOf(expression);
  switch (node?.kind) {
    case 'ColumnRef': return wordsOf(node.fields.fields).at(-1);
    case 'TypeCast': return isTime(node) ? beginningOf(node.fields.arg) : undefined;
    case 'FuncCall': return ofCall(node);
    default: return undefined;
  }
}

function ofCall({ fields }: ParseNode): string | undefined {
  const [first, time, ...rest] = listOf(fields.args);
  const [name, schema = 'pg_catalog'] = wordsOf(fields.funcname).reverse();
  // The unit, the stride, the origin, the time zone: the same for every row.
  const varies = [first, ...rest].some((one) => [...nodesIn(one)].some(({ kind }) => kind === 'ColumnRef'));
  if (name === undefined || schema !== 'pg_catalog' || varies) return undefined;
  return cutting.has(name) || (name === 'timezone' && isZoneName(first)) ? beginningOf(time) : undefined;
}

function isTime({ fields }: ParseNode): boolean {
  const [name, schema = 'pg_catalog'] = wordsOf((fields.typeName as { readonly names?: unknown } | undefined)?.names).reverse();
  return schema === 'pg_catalog' && name !== undefined && times.has(name);
}

/** A zone that bears a name is no more than 15 hours away; one in figures may be days. */
function isZoneName(zone: unknown): boolean {
  const node = nodeOf(zone);
  if (node?.kind === 'TypeCast') return isZoneName(node.fields.arg);
  const text = (node?.fields.sval as { readonly sval?: unknown } | undefined)?.sval;
  return node?.kind === 'A_Const' && typeof text === 'string' && /^[A-Za-z_/]+$/.test(text);
}
