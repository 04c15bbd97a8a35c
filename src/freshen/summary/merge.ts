import type { MergeDefinition, SummaryColumn } from '../../catalog/definition/definition.js';
import { quoteIdentifier } from '../../database/identifier.js';

/** The columns of a summary's table that its definition fills, hidden ones included; all but `updated_at`. */
export interface SummaryShape {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** Pure. */
export function shapeOf({ columns }: Pick<MergeDefinition, 'columns'>): SummaryShape {
  return {
    keys: columns.filter(({ role }) => role === 'dimension').map(({ name }) => name),
    values: columns.flatMap((column) => (column.role === 'dimension' ? [] : [column.name, ...(column.role === 'avg' ? [column.sum, column.count] : [])])),
  };
}

/** Rows for buckets that had ended, and when a bucket has. */
export interface Lateness {
  readonly bucket: string;
  /** SQL of the bucket before which all are closed: what comes for them is not shown. Absent: none is. */
  readonly closedBefore?: string | undefined;
  /** SQL of the bucket before which all had ended when the summary was absorbed last. */
  readonly endedBefore?: string | undefined;
}

/** The row of `mergeSql`. */
export interface Merged {
  /** Source rows that fit the definition's WHERE. */
  readonly rows: number;
  /** Groups. */
  readonly inserted: number;
  readonly updated: number;
  /** Source rows for a bucket that had ended before, and is still open. */
  readonly late: number;
  /** Source rows for closed buckets, by bucket as JSON prints it. */
  readonly closed: Readonly<Record<string, number>>;
}

/**
 * SQL that adds what some rows of the source make to a summary: one group a row, an upsert on the key. Exact, since rows
 * are only added: counts and sums add up, the least and the greatest stay so.
 *
 * @param rows a SELECT of source rows, each of which must be added once and once only
 * @returns the text; its one row is `Merged`
 */
export function mergeSql(definition: MergeDefinition, { table, rows, lateness }: { readonly table: string; readonly rows: string; readonly lateness?: Lateness | undefined }): string {
  const { keys, values } = shapeOf(definition);
  const columns = [...keys, ...values].map(quoteIdentifier);
  const bucket = lateness === undefined ? undefined : `d.${quoteIdentifier(lateness.bucket)}`;
  const isClosed = bucket === undefined || lateness?.closedBefore === undefined ? 'false' : `coalesce(${bucket} < ${lateness.closedBefore}, false)`;
  const isLate = bucket === undefined || lateness?.endedBefore === undefined ? 'false' : `coalesce(${bucket} < ${lateness.endedBefore}, false)`;
  return `
WITH delta AS MATERIALIZED (
${definition.select(rows)}
), written AS (
  INSERT INTO ${table} AS t (${columns.join(', ')}, updated_at)
  SELECT ${columns.map((column) => `d.${column}`).join(', ')}, pg_catalog.now() FROM delta AS d WHERE NOT ${isClosed}
  ON CONFLICT (${keys.map(quoteIdentifier).join(', ')})
  DO UPDATE SET ${[...definition.columns.flatMap(additions), 'updated_at = excluded.updated_at'].join(',\n    ')}
  RETURNING t.xmax = 0 AS inserted
)
SELECT (SELECT coalesce(sum(d._rows), 0)::pg_catalog.int8 FROM delta AS d) AS rows,
       (SELECT count(*) FROM written AS w WHERE w.inserted) AS inserted,
       (SELECT count(*) FROM written AS w WHERE NOT w.inserted) AS updated,
       (SELECT coalesce(sum(d._rows), 0)::pg_catalog.int8 FROM delta AS d WHERE ${isLate} AND NOT ${isClosed}) AS late,
       ${bucket === undefined ? "'{}'::pg_catalog.jsonb" : `(SELECT coalesce(pg_catalog.jsonb_object_agg(c.bucket, c.rows), '{}')
        FROM (SELECT pg_catalog.to_jsonb(${bucket}) #>> '{}' AS bucket, sum(d._rows) AS rows FROM delta AS d WHERE ${isClosed} GROUP BY 1) AS c)`} AS closed`.trim();
}

/** How a column takes up what is added to its group: assignments. `t` is the row that is there. */
function additions(column: SummaryColumn): string[] {
  const of = (name: string): readonly [string, string, string] => [quoteIdentifier(name), `t.${quoteIdentifier(name)}`, `excluded.${quoteIdentifier(name)}`];
  // A sum of no values but NULL is NULL, and adds nothing.
  const sum = ([, before, added]: readonly [string, string, string]): string => `coalesce(${before} + ${added}, ${before}, ${added})`;
  const own = of(column.name);
  switch (column.role) {
    case 'dimension': return [];
    case 'count': return [`${own[0]} = ${own[1]} + ${own[2]}`];
    case 'sum': return [`${own[0]} = ${sum(own)}`];
    case 'min': return [`${own[0]} = least(${own[1]}, ${own[2]})`];
    case 'max': return [`${own[0]} = greatest(${own[1]}, ${own[2]})`];
    case 'avg': {
      const [total, many] = [of(column.sum), of(column.count)];
      return [
        `${total[0]} = ${sum(total)}`,
        `${many[0]} = ${many[1]} + ${many[2]}`,
        // As PostgreSQL divides the two itself: with as many digits.
        `${own[0]} = ${sum(total)} / nullif(${many[1]} + ${many[2]}, 0)`,
      ];
    }
  }
}
