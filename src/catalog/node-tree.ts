/** A node of a parsed query as PostgreSQL stores it (pg_node_tree): a name and its fields. */
export interface TreeNode {
  readonly name: string;
  readonly fields: Readonly<Record<string, TreeValue>>;
}

/** A field's value: a word, a node or a list; several words in a row (a constant's bytes) are a list of them. */
export type TreeValue = string | TreeNode | readonly TreeValue[];

/** Words end at blanks and brackets; in names each of these stands behind a backslash. `<>` is nothing, "a b" a text. */
const token = /"(?:\\[^]|[^"\\])*"|[{}()]|(?:\\[^]|[^\s{}()\\])+/g;

/**
 * Reads a pg_node_tree. Source: PostgreSQL, outfuncs.c.
 * @throws when brackets do not match
 */
export function parseNodeTree(text: string): TreeValue {
  const tokens = text.match(token) ?? [];
  let next = 0;

  function value(): TreeValue {
    const word = tokens[next++];
    if (word === undefined || word === '}' || word === ')') throw new Error('The parsed query cannot be read: its brackets do not match.');
    if (word === '{') return node();
    if (word === '(') return list(')');
    return word === '<>' ? [] : word.replaceAll(/\\([^])/g, '$1');
  }

  function list(end: string): TreeValue[] {
    const values: TreeValue[] = [];
    while (tokens[next] !== end) values.push(value());
    next += 1;
    return values;
  }

  function node(): TreeNode {
    const name = value();
    const fields: Record<string, TreeValue> = {};
    while (tokens[next] !== '}') {
      const field = value();
      const values: TreeValue[] = [];
      while (tokens[next] !== '}' && tokens[next]?.startsWith(':') !== true) values.push(value());
      if (typeof field === 'string') fields[field.slice(1)] = values.length === 1 ? values[0] ?? [] : values;
    }
    next += 1;
    return { name: typeof name === 'string' ? name : '', fields };
  }

  return value();
}

export function isNode(value: TreeValue | undefined, name: string): value is TreeNode {
  return typeof value === 'object' && 'name' in value && value.name === name;
}

/** The nodes of that name in a list; none where the value is no list. */
export function nodesIn(value: TreeValue | undefined, name: string): TreeNode[] {
  return Array.isArray(value) ? (value as readonly TreeValue[]).filter((one) => isNode(one, name)) : [];
}

/** A number that stands in a field; NaN where there is none. */
export function numberIn(node: TreeNode, field: string): number {
  const value = node.fields[field];
  return typeof value === 'string' ? Number(value) : NaN;
}
