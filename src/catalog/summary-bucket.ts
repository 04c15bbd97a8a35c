import { nearestNames } from '../config/nearest-names.js';
import { UsageError } from '../config/usage-error.js';

/** A dimension of a definition, as far as it matters for whether it can be the bucket. */
export interface Dimension {
  readonly name: string;
  /** As SQL writes it. */
  readonly type: string;
  /** Whether that is date, timestamp or timestamptz. */
  readonly isTime: boolean;
  /** The source's columns that it reads, each once. */
  readonly reads: readonly { readonly name: string; readonly type: string; readonly isTime: boolean }[];
}

/**
 * The dimension that says which bucket of time a row belongs to: a time, computed from one time of the row, so that an
 * older row never belongs to a later bucket than it did.
 *
 * @param wanted as given by --bucket
 * @param needed whether there must be one: --lateness closes buckets
 * @returns undefined where none is wanted, needed, or to be found without doubt
 * @throws UsageError
 */
export function chooseBucket(dimensions: readonly Dimension[], wanted: string | undefined, needed: boolean): string | undefined {
  if (wanted !== undefined) return named(dimensions, wanted).name;
  const fit = dimensions.filter((dimension) => faultOf(dimension) === undefined);
  if (fit.length === 1) return fit[0]?.name;
  if (!needed) return undefined;
  if (fit.length > 1) {
    const names = fit.map(({ name }) => name);
    throw new UsageError(`--lateness needs a bucket, and several dimensions are times (${names.join(', ')}): say which, --bucket ${names.join(' or --bucket ')}`);
  }
  const near = dimensions.find(({ isTime }) => isTime) ?? dimensions[0];
  throw new UsageError(
    `--lateness needs a bucket of time, and no dimension is one${near === undefined ? '' : ` (${String(faultOf(near))})`}: ` +
      "add one such as date_trunc('hour', occurred_at) AS bucket to SELECT and GROUP BY, or leave out --lateness",
  );
}

function named(dimensions: readonly Dimension[], wanted: string): Dimension {
  const names = dimensions.map(({ name }) => name);
  // As SQL would read it, where that is not the name as it stands.
  const folded = wanted.startsWith('"') ? wanted.replace(/^"|"$/g, '').replaceAll('""', '"') : wanted.toLowerCase();
  const found = dimensions.find(({ name }) => name === wanted) ?? dimensions.find(({ name }) => name === folded);
  if (found === undefined) {
    const near = nearestNames(wanted, names);
    throw new UsageError(`--bucket ${wanted} is no dimension of the definition: ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : `its dimensions are ${names.join(', ')}`}`);
  }
  const fault = faultOf(found);
  if (fault !== undefined) {
    throw new UsageError(`--bucket ${wanted}: ${fault}; a bucket is a date or timestamp computed from one column of such a type, as date_trunc('hour', occurred_at) is`);
  }
  return found;
}

/** What keeps a dimension from being a bucket: a clause. */
function faultOf({ name, type, isTime, reads }: Dimension): string | undefined {
  if (!isTime) return `${name} is of type ${type}, no time`;
  const [column] = reads;
  if (column === undefined) return `${name} is the same for every row`;
  if (reads.length > 1) return `${name} is computed from several columns (${reads.map((one) => one.name).join(', ')})`;
  return column.isTime ? undefined : `${name} is computed from ${column.name} of type ${column.type}, no time`;
}
