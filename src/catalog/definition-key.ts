import { isNode, nodesIn, numberIn, parseNodeTree, type TreeNode } from './node-tree.js';

/** Columns that the definition itself makes unique, by their place in the view from 1. */
export type DefinitionKey =
  | { readonly by: 'GROUP BY' | 'DISTINCT' | 'one row'; readonly columns: readonly number[] }
  /** The view shows the rows of one table: whatever is unique there is unique here. */
  | { readonly by: 'table'; readonly table: number; readonly columnOf: ReadonlyMap<number, number> };

/**
 * What makes the rows of a view unique, by its definition alone? Undefined where it does not tell: a join, a UNION.
 *
 * @param action `pg_rewrite.ev_action` of the view's rule
 */
export function definitionKey(action: string): DefinitionKey | undefined {
  const [query] = nodesIn(parseNodeTree(action), 'QUERY');
  if (query === undefined) return undefined;
  const targets = nodesIn(query.fields.targetList, 'TARGETENTRY');
  const shown = targets.filter((target) => target.fields.resjunk !== 'true');
  if (isNode(query.fields.setOperations, 'SETOPERATIONSTMT')) return undefined;
  if (query.fields.hasTargetSRFs === 'true') return undefined;
  const distinct = columnsOf(query.fields.distinctClause, shown);
  if (distinct !== undefined && distinct.length > 0) return { by: 'DISTINCT', columns: distinct };
  if (nodesIn(query.fields.groupingSets, 'GROUPINGSET').length > 0) return undefined;
  const grouped = columnsOf(query.fields.groupClause, shown);
  if (grouped === undefined) return undefined; // grouped by something that it does not show
  if (grouped.length > 0) return { by: 'GROUP BY', columns: grouped };
  if (query.fields.hasAggs === 'true') return { by: 'one row', columns: [1] };
  return singleTable(query, shown);
}

/** Places of the columns that a clause names; undefined when one of them is not shown. */
function columnsOf(clause: TreeNode['fields'][string] | undefined, shown: readonly TreeNode[]): number[] | undefined {
  const columns: number[] = [];
  for (const entry of nodesIn(clause, 'SORTGROUPCLAUSE')) {
    const reference = numberIn(entry, 'tleSortGroupRef');
    const target = shown.find((one) => numberIn(one, 'ressortgroupref') === reference);
    if (target === undefined) return undefined;
    columns.push(numberIn(target, 'resno'));
  }
  return columns;
}

function singleTable(query: TreeNode, shown: readonly TreeNode[]): DefinitionKey | undefined {
  const from = query.fields.jointree;
  if (!isNode(from, 'FROMEXPR') || !Array.isArray(from.fields.fromlist) || from.fields.fromlist.length !== 1) return undefined;
  const [reference] = nodesIn(from.fields.fromlist, 'RANGETBLREF');
  if (reference === undefined) return undefined;
  const index = numberIn(reference, 'rtindex');
  const entry = nodesIn(query.fields.rtable, 'RANGETBLENTRY')[index - 1];
  if (entry === undefined || numberIn(entry, 'rtekind') !== 0) return undefined;
  const columnOf = new Map<number, number>();
  for (const target of shown) {
    const { expr } = target.fields;
    if (isNode(expr, 'VAR') && numberIn(expr, 'varno') === index && numberIn(expr, 'varlevelsup') === 0) {
      columnOf.set(numberIn(expr, 'varattno'), numberIn(target, 'resno'));
    }
  }
  return { by: 'table', table: numberIn(entry, 'relid'), columnOf };
}
