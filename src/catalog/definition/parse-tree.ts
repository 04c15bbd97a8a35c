/** Fields that say where something stands, not what. */
const positions: ReadonlySet<string> = new Set(['location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end']);

/** The fields of a node of libpg-query's parse tree. A field that is false, 0 or empty is left out of it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A node: its kind is the one key with a capital letter. */
export interface ParseNode {
  readonly kind: string;
  readonly fields: Fields;
}

/** The node that this value is; undefined when it is something else. */
export function nodeOf(value: unknown): ParseNode | undefined {
  if (!isObject(value)) return undefined;
  const [entry] = Object.entries(value);
  return entry !== undefined && /^[A-Z]/.test(entry[0]) && isObject(entry[1]) ? { kind: entry[0], fields: entry[1] as Fields } : undefined;
}

/** Every node in a value, at any depth, outer ones first, in the order of the text but for operators. */
export function* nodesIn(value: unknown): Generator<ParseNode> {
  if (!isObject(value)) return;
  const node = nodeOf(value);
  if (node !== undefined) yield node;
  for (const inner of Object.values(value)) yield* nodesIn(inner);
}

/** The words of a name in a list of String nodes: `pg_catalog.sum` is two. A star is '*'. */
export function wordsOf(value: unknown): string[] {
  return listOf(value).flatMap((one) => {
    const node = nodeOf(one);
    if (node?.kind === 'A_Star') return ['*'];
    return typeof node?.fields.sval === 'string' ? [node.fields.sval] : [];
  });
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Where a node begins in the text, in bytes; the zero is left out of the tree. */
export function locationOf(fields: { readonly location?: unknown }): number {
  return typeof fields.location === 'number' ? fields.location : 0;
}

/**
 * What an expression says, wherever it stands: two with the same meaning word for word give the same string. Of one table
 * a column's name says as much with the table's name before it as without. A constant is taken without its type, which
 * PostgreSQL prints in GROUP BY alone.
 */
export function meaningOf(expression: unknown): string {
  const node = nodeOf(expression);
  const constant = node?.kind === 'TypeCast' && nodeOf(node.fields.arg)?.kind === 'A_Const' ? node.fields.arg : expression;
  return JSON.stringify(constant, (key, value: unknown) => {
    if (positions.has(key)) return undefined;
    return key === 'ColumnRef' && isObject(value) ? wordsOf((value as Fields).fields).at(-1) : value;
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
