/** What a view is: a materialized view, or a summary table. */
export type ViewKind = 'matview' | 'summary';

/** A view that this worker serves. */
export interface ServedView {
  readonly kind: ViewKind;
  /** How soon a summary is to show a change, in ms; null: nothing is said of it. */
  readonly freshnessMs: number | null;
  /** Its id in `refresh_listener.view`. */
  readonly id: number;
  readonly oid: number;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  /** Its schema and its own name, unquoted. */
  readonly schema: string;
  readonly relation: string;
  /** Ids of its sources. */
  readonly sources: readonly number[];
  /** Ids of the served views that it reads. */
  readonly upstream: readonly number[];
}

/** A relation that a served view reads. */
export interface ServedSource {
  readonly id: number;
  readonly oid: number;
  readonly name: string;
  /** Ids of the served views that read it. */
  readonly views: readonly number[];
}

/** What this worker serves: the allowlist as the catalog answered it last. */
export interface ServedGraph {
  readonly views: ReadonlyMap<number, ServedView>;
  readonly sources: ReadonlyMap<number, ServedSource>;
}

export const emptyGraph: ServedGraph = { views: new Map(), sources: new Map() };

/** Builds the graph from views with their source ids and the sources they name. */
export function buildGraph(
  views: readonly Omit<ServedView, 'upstream'>[],
  sources: readonly Omit<ServedSource, 'views'>[],
): ServedGraph {
  const viewByOid = new Map(views.map((view) => [view.oid, view.id]));
  const sourceById = new Map(sources.map((source) => [source.id, source]));
  const readers = new Map<number, number[]>();
  for (const view of views) {
    for (const source of view.sources) readers.set(source, [...(readers.get(source) ?? []), view.id]);
  }
  const upstreamOf = (view: Omit<ServedView, 'upstream'>): number[] =>
    view.sources.flatMap((id) => viewByOid.get(sourceById.get(id)?.oid ?? -1) ?? []);
  return {
    views: new Map(views.map((view) => [view.id, { ...view, upstream: upstreamOf(view) }])),
    sources: new Map(
      sources.flatMap((source) => {
        const views = readers.get(source.id);
        return views === undefined ? [] : [[source.id, { ...source, views }] as const];
      }),
    ),
  };
}
