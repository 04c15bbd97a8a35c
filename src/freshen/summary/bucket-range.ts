import { quoteIdentifier } from '../../database/identifier.js';
import { bucketLiteral } from './lateness.js';
import type { SummaryState } from './summary-state.js';
import type { RawColumn } from './time-column.js';

/** Some buckets of a summary that follow each other. A bucket stands here as JSON prints it. */
export interface BucketRange {
  /** The first. */
  readonly from: string;
  /** The first that is none of them any more. Default: there is no last one. */
  readonly before?: string | undefined;
  /** The last, instead of `before`. */
  readonly last?: string | undefined;
  /** A time that no row of them lies more than `margin` after, as the source's column has it. Default: none is known. */
  readonly endsBy?: string | undefined;
  /** Whether the rows without a bucket are among them. Default: no. */
  readonly withNull?: boolean;
}

export type Bucketed = Pick<SummaryState, 'definition'> & { readonly bucketColumn: string; readonly bucketType: string };

/**
 * How far a row's time may lie outside of its bucket's: the zone of a session, another one in the expression, and what
 * summer time does to both. More than that can be.
 */
export const margin = "interval '3 days'";

/** SQL of the range: a condition over the summary's columns. Pure. */
export function regionOf({ bucketColumn, bucketType }: Pick<Bucketed, 'bucketColumn' | 'bucketType'>, { from, before, last, withNull = false }: BucketRange): string {
  const bucket = quoteIdentifier(bucketColumn);
  const literal = (text: string): string => bucketLiteral(text, { bucketType });
  const conditions = [
    `${bucket} >= ${literal(from)}`,
    ...(before === undefined ? [] : [`${bucket} < ${literal(before)}`]),
    ...(last === undefined ? [] : [`${bucket} <= ${literal(last)}`]),
  ];
  return `${conditions.join(' AND ')}${withNull ? ` OR ${bucket} IS NULL` : ''}`;
}

/**
 * SQL of a condition over the source's columns (by the alias `s`) that holds for every row of the range, and for few others:
 * the region decides. Pure.
 */
export function restrictionOf({ bucketType }: Pick<Bucketed, 'bucketType'>, raw: RawColumn, { from, endsBy, withNull = false }: BucketRange): string {
  const column = `s.${quoteIdentifier(raw.name)}`;
  const conditions = [
    `${column} >= (${bucketLiteral(from, { bucketType })} - ${margin})::${raw.type}`,
    ...(endsBy === undefined ? [] : [`${column} < (${bucketLiteral(endsBy, { bucketType: raw.type })} + ${margin})::${raw.type}`]),
  ];
  return `${conditions.join(' AND ')}${withNull ? ` OR ${column} IS NULL` : ''}`;
}
