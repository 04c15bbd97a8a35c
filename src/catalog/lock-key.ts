/**
 * First keys of our two-key advisory locks, one a kind of thing; the second key is the thing's id. The numbers are
 * arbitrary but for being ours: advisory locks are shared with everything else in the database.
 */
export const lockKeys = {
  /** Held by the one worker that absorbs a view, while it does. Second key: view id. */
  absorb: 1_911_805_101,
  /** Held while a source's trigger is created. Second key: source id. */
  sourceTrigger: 1_911_805_102,
  /** Held while the log is begun anew, after a crash or in another cluster. Second key: 0. */
  log: 1_911_805_103,
} as const;
