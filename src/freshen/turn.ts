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
  /** Upstream views, near or far, that have been absorbed since this one became due. Default: none. */
  readonly followed?: ReadonlySet<number>;
  /** It rests after its last refresh, or waits to try again, until then. */
  readonly notBefore: number;
}

/**
 * Which views may be absorbed now? Those that are due and rested, none of whose upstream views, near or far, is itself
 * due, expected or running: a view is absorbed after its upstream, and waits for one that fails, since that stays due.
 * But an upstream that has been absorbed meanwhile need not be waited for a second time: while traffic never pauses it
 * is always due again, and its readers would starve. The longest rested first, at most as many as there are free `slots`. Pure.
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

/** Ids of all views that a view reads, near or far. Pure. */
export function ancestorsOf(turns: ReadonlyMap<number, Pick<Turn, 'upstream'>>, { upstream }: Pick<Turn, 'upstream'>): Set<number> {
  const found = new Set<number>();
  const toVisit = [...upstream];
  for (let id = toVisit.pop(); id !== undefined; id = toVisit.pop()) {
    const turn = turns.get(id);
    if (turn === undefined || found.has(id)) continue;
    found.add(id);
    toVisit.push(...turn.upstream);
  }
  return found;
}

function waitsForUpstream(turns: ReadonlyMap<number, Turn>, turn: Turn): boolean {
  return [...ancestorsOf(turns, turn)].some((id) => {
    const upstream = turns.get(id);
    if (upstream === undefined) return false;
    return upstream.running || ((upstream.due || upstream.expected) && turn.followed?.has(id) !== true);
  });
}
