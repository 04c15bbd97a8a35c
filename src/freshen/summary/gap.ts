import type { Holders } from '../../catalog/run-record.js';

/** Ids at or below the watermark that no absorb has seen. */
export interface Gap {
  readonly id: number;
  /** An `int8multirange`, as it prints. */
  readonly ids: string;
  readonly holders: Holders;
}

/** A prepared transaction is named so after a restart of the server. */
const renamed = '-1/';
/** In the place of holders, while the sequence has not come to the last id of a gap: who will draw it is not there yet. */
const sequence = 'sequence';
const undrawn: Holders = { [sequence]: { pid: null, since: null } };

/**
 * The holders of a gap, as of now. Those that are still there stay. Where one has vanished it has ended, or it was prepared
 * and the server has restarted and named it anew: so everyone who bears such a name joins. Pure.
 *
 * @param current who holds a write lock on the source now, as asked after the sequence
 * @param drawn whether the sequence has come to its last id
 */
export function holdersNow(stored: Holders, current: Holders, drawn = true): Holders {
  if (!drawn) return undrawn;
  // Anyone who is there may have drawn an id of it.
  if (Object.hasOwn(stored, sequence)) return current;
  const left = Object.entries(stored).filter(([holder]) => Object.hasOwn(current, holder));
  const vanished = left.length < Object.keys(stored).length;
  const joining = vanished ? Object.entries(current).filter(([holder]) => holder.startsWith(renamed)) : [];
  return Object.fromEntries([...joining, ...left]);
}

/** Who may still fill a new gap. Pure. */
export function firstHolders(current: Holders, drawn: boolean): Holders {
  return drawn ? current : undrawn;
}

/**
 * Has the sequence come to the last id of these? Not where somebody wrote an id by hand that lies beyond it, and what was
 * skipped on the way there is still to be drawn. Pure.
 *
 * @param ranges an `int8multirange`, as it prints
 * @param lastValue of the sequence; 0: not known
 */
export function isDrawn(ranges: string, lastValue: bigint): boolean {
  const upper = ranges.slice(ranges.lastIndexOf(',') + 1, -2);
  return ranges === '{}' || lastValue === 0n || BigInt(upper) - 1n <= lastValue;
}

/** How many ids lie in these. Pure. @param ranges an `int8multirange`, as it prints */
export function countIds(ranges: string): number {
  return [...ranges.matchAll(/\[(-?\d+),(-?\d+)\)/g)].reduce((sum, [, lower, upper]) => sum + Number(BigInt(upper ?? 0) - BigInt(lower ?? 0)), 0);
}

/** Whether an id lies in these. Pure. @param ranges an `int8multirange`, as it prints */
export function hasId(ranges: string, id: bigint): boolean {
  return [...ranges.matchAll(/\[(-?\d+),(-?\d+)\)/g)].some(([, lower, upper]) => BigInt(lower ?? 0) <= id && id < BigInt(upper ?? 0));
}

/**
 * May a gap be dropped by an absorb that looks into it? When its list of holders was empty already as that absorb began:
 * who drew an id of it had ended before the absorb's snapshot, which therefore shows all that was committed. Pure.
 *
 * @param looked whether the absorb has looked into all of it
 */
export function isSettled(gap: Pick<Gap, 'holders'>, looked: boolean): boolean {
  return looked && Object.keys(gap.holders).length === 0;
}
