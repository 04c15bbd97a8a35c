/** Who may still commit rows into a gap: by virtual transaction id, as `pg_locks` names it; `-1/xid` since a server restart. */
export type Holders = Readonly<Record<string, { readonly pid: number | null; readonly since: string | null }>>;

/** Ids at or below the watermark that no absorb has seen. */
export interface Gap {
  readonly id: number;
  /** An `int8multirange`, as it prints. */
  readonly ids: string;
  readonly holders: Holders;
}

/** A prepared transaction is named so after a restart of the server. */
const renamed = '-1/';

/**
 * The holders of a gap, as of now. Those that are still there stay. Where one has vanished it has ended, or it was prepared
 * and the server has restarted and named it anew: so everyone who bears such a name joins. Pure.
 *
 * @param current who holds a write lock on the source now
 */
export function holdersNow(stored: Holders, current: Holders): Holders {
  const left = Object.entries(stored).filter(([holder]) => Object.hasOwn(current, holder));
  const vanished = left.length < Object.keys(stored).length;
  const joining = vanished ? Object.entries(current).filter(([holder]) => holder.startsWith(renamed)) : [];
  return Object.fromEntries([...joining, ...left]);
}

/**
 * May a gap be dropped by an absorb that looks into it? When its list of holders was empty already as that absorb began:
 * who drew an id of it had ended before the absorb's snapshot, which therefore shows all that was committed. Pure.
 *
 * @param complete whether the absorb has looked into all of it
 */
export function isSettled(gap: Pick<Gap, 'holders'>, complete: boolean): boolean {
  return complete && Object.keys(gap.holders).length === 0;
}
