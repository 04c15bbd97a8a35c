import type { FuncCall } from 'libpg-query';
import type { Refusal, SummaryColumn } from './definition.js';
import { listOf, meaningOf, nodeOf, nodesIn, wordsOf, type ParseNode } from './parse-tree.js';

/** PostgreSQL's other aggregates (pg_aggregate of 18): enough to say why; what is none of these is refused all the same. */
const otherAggregates: ReadonlySet<string> = new Set(`
  any_value array_agg bit_and bit_or bit_xor bool_and bool_or corr covar_pop covar_samp every json_agg json_agg_strict
  json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict
  jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict mode percentile_cont
  percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
  regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg var_pop var_samp variance xmlagg cume_dist dense_rank
  percent_rank rank`.trim().split(/\s+/));
const aggregateKinds: ReadonlySet<string> = new Set(['JsonArrayAgg', 'JsonObjectAgg']);
const mergedAggregates = ['count', 'sum', 'avg', 'min', 'max'] as const;
type MergedAggregate = (typeof mergedAggregates)[number];

/** What a table cannot have as a column: its own, and those of every table. */
const reservedNames: ReadonlySet<string> = new Set(['updated_at', '_rows', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);
/** Of an index, and so of the key over the dimensions (INDEX_MAX_KEYS). */
const mostDimensions = 32;
/** Of a name (NAMEDATALEN - 1): PostgreSQL cuts off the rest. */
const mostNameBytes = 63;

/** One entry of a select list. */
export interface Target {
  readonly name: string;
  /** A node of the parse tree. */
  readonly expression: unknown;
}

/** What each column of a select list is to the summary. Pure. @param keys the nodes of GROUP BY */
export function readSelectList(targets: readonly Target[], keys: readonly unknown[]): readonly SummaryColumn[] | Refusal {
  const meanings = new Set(keys.map(meaningOf));
  const columns: SummaryColumn[] = [];
  for (const target of targets) {
    const column = readTarget(target, meanings);
    if ('refusal' in column) return column;
    columns.push(column);
  }
  return refuseMissingKey(targets, keys) ?? refuseNames(columns) ?? refuseDimensions(columns) ?? columns;
}

function readTarget({ name, expression }: Target, keys: ReadonlySet<string>): SummaryColumn | Refusal {
  if (keys.has(meaningOf(expression))) return { role: 'dimension', name };
  const node = nodeOf(expression);
  const aggregate = node === undefined ? undefined : aggregateOf(node);
  if (node !== undefined && aggregate !== undefined) return readAggregate(name, aggregate, node.fields);
  if ([...nodesIn(expression)].some((inner) => aggregateOf(inner) !== undefined)) {
    return {
      refusal: `computes ${name} from aggregates`,
      remedy: 'select the aggregates alone, and compute it in a plain view over the summary',
    };
  }
  return {
    refusal: `has a column, ${name}, that is neither in GROUP BY nor one of count, sum, avg, min and max`,
    remedy: `put the expression of ${name} into GROUP BY, or leave it out`,
  };
}

/** The name of the aggregate that a node calls; a name in another schema is never one that we know. */
function aggregateOf({ kind, fields }: ParseNode): string | undefined {
  if (aggregateKinds.has(kind)) return kind === 'JsonArrayAgg' ? 'JSON_ARRAYAGG' : 'JSON_OBJECTAGG';
  if (kind !== 'FuncCall') return undefined;
  const words = wordsOf(fields.funcname);
  const name = words.at(-1) ?? '';
  if (words.length === 1 || (words.length === 2 && words[0] === 'pg_catalog')) {
    if (isMerged(name) || otherAggregates.has(name)) return name;
  }
  return onlyOfAggregates.some((field) => fields[field] !== undefined) ? words.join('.') : undefined;
}

const onlyOfAggregates = ['agg_star', 'agg_distinct', 'agg_order', 'agg_filter', 'agg_within_group'];

function isMerged(name: string): name is MergedAggregate {
  return (mergedAggregates as readonly string[]).includes(name);
}

function readAggregate(name: string, aggregate: string, call: FuncCall): SummaryColumn | Refusal {
  if (call.agg_distinct === true) {
    return {
      refusal: `takes each value once in ${name}, ${aggregate}(DISTINCT ...)`,
      remedy: 'group by that value too, and aggregate the groups in a plain view over the summary; min and max are the same without DISTINCT',
    };
  }
  if (!isMerged(aggregate) || !isPlain(aggregate, call)) {
    return {
      refusal: `has ${name}, ${aggregate}(...), an aggregate that no sum of parts gives`,
      remedy: 'leave it out (count, sum, avg, min and max can be kept), or keep it as a materialized view: listener --views NAME',
    };
  }
  if (call.agg_order !== undefined) return { refusal: `orders the rows of ${aggregate}() in ${name}`, remedy: 'leave that ORDER BY out: the result is the same' };
  return aggregate === 'avg' ? { role: 'avg', name, sum: `_${name}_sum`, count: `_${name}_count` } : { role: aggregate, name };
}

function isPlain(aggregate: MergedAggregate, call: FuncCall): boolean {
  const argumentsGiven = listOf(call.args).length;
  const fits = call.agg_star === true ? aggregate === 'count' : argumentsGiven === 1;
  return fits && call.agg_within_group !== true && call.func_variadic !== true;
}

function refuseMissingKey(targets: readonly Target[], keys: readonly unknown[]): Refusal | undefined {
  const shown = new Set(targets.map(({ expression }) => meaningOf(expression)));
  const place = keys.findIndex((key) => !shown.has(meaningOf(key)));
  if (place < 0) return undefined;
  const node = nodeOf(keys[place]);
  const column = node?.kind === 'ColumnRef' ? wordsOf((node.fields).fields).at(-1) : undefined;
  return {
    refusal: `groups by ${column ?? `an expression (number ${place + 1} in GROUP BY)`}, which is missing in the select list`,
    remedy: 'select every key of GROUP BY as a column of its own: the keys tell the rows of the summary apart',
  };
}

function refuseNames(columns: readonly SummaryColumn[]): Refusal | undefined {
  const hidden = columns.flatMap((column) => (column.role === 'avg' ? [column.sum, column.count] : []));
  const tooLong = columns.find((column) => column.role === 'avg' && Buffer.byteLength(column.count) > mostNameBytes);
  if (tooLong !== undefined) {
    return { refusal: `has an average, ${tooLong.name}, with too long a name for its hidden columns`, remedy: `give it a name of at most ${mostNameBytes - '__count'.length} bytes` };
  }
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (reservedNames.has(name)) return { refusal: `has a column ${name}, which the summary needs for itself`, remedy: 'give it another name with AS' };
    if (hidden.includes(name)) return { refusal: `has a column ${name}, a name that the summary needs for the hidden columns of an average`, remedy: 'give it another name with AS' };
    if (seen.has(name)) return { refusal: `has two columns with the name ${name}`, remedy: 'give one of them another name with AS' };
    seen.add(name);
  }
  return undefined;
}

function refuseDimensions(columns: readonly SummaryColumn[]): Refusal | undefined {
  const dimensions = columns.filter(({ role }) => role === 'dimension').length;
  if (dimensions <= mostDimensions) return undefined;
  return { refusal: `has ${dimensions} keys in GROUP BY, and a unique index takes ${mostDimensions}`, remedy: 'group by fewer' };
}
