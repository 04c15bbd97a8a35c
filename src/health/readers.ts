/** Of each view the views that read it, near or far, and itself. Pure. */
export function readersOf<View extends { readonly id: number; readonly upstream: readonly number[] }>(views: ReadonlyMap<number, View>): Map<number, View[]> {
  const readers = new Map<number, View[]>([...views.keys()].map((id) => [id, []]));
  for (const view of views.values()) {
    const visited = new Set<number>();
    const toVisit = [view.id];
    for (let id = toVisit.pop(); id !== undefined; id = toVisit.pop()) {
      if (visited.has(id)) continue;
      visited.add(id);
      readers.get(id)?.push(view);
      toVisit.push(...(views.get(id)?.upstream ?? []));
    }
  }
  return readers;
}
