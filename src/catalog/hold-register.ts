import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const setHoldQuery = loadQuery('set-hold');
const clampHoldsQuery = loadQuery('clamp-holds');
const silenceHoldsQuery = loadQuery('silence-holds');
const silenceUnsetHoldsQuery = loadQuery('silence-unset-holds');

/** The longest hold that any worker sets, in ms. */
export const longestHoldMs = 1_000;

/** Tells writers of these sources not to ring for `holdMs`, by the server's clock. */
export async function setHold(database: Database, sources: readonly number[], holdMs: number): Promise<void> {
  if (sources.length > 0) await database.rows(setHoldQuery, [sources, holdMs]);
}

/** Makes bells live again that are silent, or whose hold lies beyond the longest one. @returns how many */
export async function clampHolds(database: Database, sources: readonly number[]): Promise<number> {
  if (sources.length === 0) return 0;
  return (await database.rows(clampHoldsQuery, [sources, longestHoldMs])).length;
}

/** Polling mode: writers of these sources never ring. The register's value for that is 0. */
export async function silenceHolds(database: Database, sources: readonly number[]): Promise<void> {
  if (sources.length > 0) await database.rows(silenceHoldsQuery, [sources]);
}

/**
 * An installation without a worker: writers of sources that no worker has ever served do not ring for nobody, which would
 * slow them down, and make PREPARE TRANSACTION fail. The first worker that listens makes the bell live.
 */
export async function silenceUnsetHolds(database: Database, sources: readonly number[]): Promise<void> {
  if (sources.length > 0) await database.rows(silenceUnsetHoldsQuery, [sources]);
}
