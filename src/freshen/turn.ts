/** What is known of one served view while it waits for its turn. Times are in ms of one steady clock. */
export interface Turn {
  readonly id: number;
  /** Ids of the served views that it reads. */
  readonly upstream: readonly number[];
  /** Something has asked for an absorb that has not begun yet. */
  readonly due: boolean;
  /** A change was seen, and is being debounced. */
  readonly expected: boolean;
  readonly running: boolean;
  /** It rests after its last refresh, or waits to try again, until then. */
  readonly notBefore: number;
}

/**
 * Which views may be absorbed now? Those that are due and rested, none of whose upstream views, near or far, is itself
 * due, expected or running: a view is absorbed after its upstream, and waits for one that fails, since that stays due.
 * The longest rested first, at most as many as there are free `slots`. Pure.
 */
export function nextTurns(turns: ReadonlyMap<number, Turn>, now: number, slots: number): number[] {
  return [...turns.values()]
    .filter((turn) => turn.due && !turn.running && turn.notBefore <= now && !waitsForUpstream(turns, turn))
    .sort((a, b) => a.notBefore - b.notBefore)
    .slice(0, Math.max(0, slots))
    .map((turn) => turn.id);
}

/** When does the next view that rests have to be looked at again? Undefined when only events can change anything. Pure. */
export function nextTurnAt(turns: ReadonlyMap<number, Turn>, now: number): number | undefined {
  const times = [...turns.values()].filter((turn) => turn.due && !turn.running && turn.notBefore > now).map((turn) => turn.notBefore);
  return times.length === 0 ? undefined : Math.min(...times);
}

function waitsForUpstream(turns: ReadonlyMap<number, Turn>, turn: Turn): boolean {
  const seen = new Set<number>();
  const toVisit = [...turn.upstream];
  for (let id = toVisit.pop(); id !== undefined; id = toVisit.pop()) {
    const upstream = turns.get(id);
    if (upstream === undefined || seen.has(id)) continue;
    if (upstream.due || upstream.expected || upstream.running) return true;
    seen.add(id);
    toVisit.push(...upstream.upstream);
  }
  return false;
}
