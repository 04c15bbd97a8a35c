import { setTimeout as pause } from 'node:timers/promises';
import type { Backend, Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { Plan } from './absorption.js';

const waitersQuery = loadQuery('waiters');

/** A session that waits for a relation lock, behind the refresh. */
export interface Waiter {
  readonly pid: number;
  readonly relation: number;
  readonly mode: string;
}

/** How often in a row a refresh gives way, before it runs to its end whoever waits. */
export const mostYields = 3;
const watchIntervalMs = 250;

/**
 * Should a running refresh give way? When somebody waits for a lock that it holds, a bounded number of times in a row.
 * Readers of the view itself do not count under a plain refresh: to make them wait is what it does. Pure.
 */
export function shouldGiveWay(
  waiters: readonly Waiter[], view: number, plan: Plan, yieldsInARow: number,
): boolean {
  if (yieldsInARow >= mostYields) return false;
  return waiters.some((waiter) => waiter.relation !== view || plan === 'concurrent');
}

/**
 * Watches a running refresh from another connection until `signal` is aborted. Cancels it when it must give way; breaks
 * its connection when its backend is gone, of which a half-open socket would never tell. Trouble of its own is told, and
 * it goes on.
 *
 * @returns how many sessions waited, when it was cancelled for them, else undefined
 */
export async function watchRightOfWay(
  database: Database,
  work: { readonly transaction: Backend; readonly plan: Plan },
  view: number,
  yieldsInARow: number,
  { signal, onTrouble }: { readonly signal: AbortSignal; readonly onTrouble: (error: unknown) => void },
): Promise<number | undefined> {
  const { pid } = work.transaction;
  let gaveWayTo: number | undefined;
  while (await elapsed(watchIntervalMs, signal)) {
    try {
      const [answer] = await database.rows<{ alive: boolean; waiters: Waiter[] }>(waitersQuery, [pid]);
      if (signal.aborted || answer === undefined) continue;
      if (!answer.alive) {
        work.transaction.sever('its server process is gone');
        return undefined;
      }
      if (!shouldGiveWay(answer.waiters, view, work.plan, yieldsInARow)) continue;
      gaveWayTo = new Set(answer.waiters.map((waiter) => waiter.pid)).size;
      // One that comes between two statements is lost: it is sent until the transaction has ended.
      await cancelBackend(database, pid);
    } catch (error) {
      if (!signal.aborted) onTrouble(error);
    }
  }
  return gaveWayTo;
}

/** Cancels what a backend of our own is running. */
export async function cancelBackend(database: Database, pid: number): Promise<void> {
  await database.rows('SELECT pg_catalog.pg_cancel_backend($1)', [pid]);
}

/** Waits; false when `signal` was aborted meanwhile. */
async function elapsed(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch {
    return false; // nothing but the signal ends this wait early
  }
}
