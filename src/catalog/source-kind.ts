/** `relkind` of a source: r table, p partitioned table, f foreign table, m materialized view. */
export type SourceKind = 'r' | 'p' | 'f' | 'm';

/** Tables record their changes by trigger; a materialized view is logged by whoever refreshes it, a foreign table by nobody. */
export function needsTrigger(source: { readonly kind: SourceKind }): boolean {
  return source.kind === 'r' || source.kind === 'p';
}
