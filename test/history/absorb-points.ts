import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.js';

/** A point at which an absorb of a summary waits for a lock that somebody holds, in the order of its steps. */
export interface AbsorbPoint {
  readonly name: string;
  readonly lock: string;
}

/** @param summary name of the one whose table is locked, where the point is at a write to it */
export function absorbPointsOf(summary: string): AbsorbPoint[] {
  return [
    { name: 'before its snapshot', lock: 'LOCK TABLE refresh_listener.source IN ACCESS EXCLUSIVE MODE' },
    { name: 'before it reads the watermark and the gaps', lock: 'LOCK TABLE refresh_listener.gap IN ACCESS EXCLUSIVE MODE' },
    { name: "at the view's row", lock: 'SELECT FROM refresh_listener.view FOR UPDATE' },
    { name: 'before it writes rows', lock: `LOCK TABLE public.${summary} IN ACCESS EXCLUSIVE MODE` },
    { name: 'in the merge, and as a fill moves over', lock: `LOCK TABLE public.${summary} IN SHARE MODE` },
    { name: 'before it writes gaps', lock: 'LOCK TABLE refresh_listener.gap IN SHARE MODE' },
    { name: 'before it moves the watermark', lock: 'LOCK TABLE refresh_listener.watermark IN SHARE MODE' },
    { name: 'before it notes what is closed', lock: 'LOCK TABLE refresh_listener.summary IN SHARE MODE' },
    { name: 'before it keeps fingerprints', lock: 'LOCK TABLE refresh_listener.view_source IN SHARE MODE' },
    { name: 'before it moves the cursor', lock: 'LOCK TABLE refresh_listener.view IN SHARE MODE' },
    { name: 'before it records the run', lock: 'LOCK TABLE refresh_listener.run IN SHARE MODE' },
  ];
}

export const absorbPoints: readonly AbsorbPoint[] = ['plain_hourly', 'split_hourly'].flatMap(absorbPointsOf);

/** Where an absorb has its snapshot, and has not asked for holders yet. */
export const afterSnapshot: AbsorbPoint = { name: 'after its snapshot', lock: 'LOCK TABLE refresh_listener.watermark IN ACCESS EXCLUSIVE MODE' };

/** Sessions of absorbs that wait for a lock held by this session. */
export async function waitingAbsorbs(db: TestDatabase, holder: number): Promise<number[]> {
  const { rows } = await db.admin.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'listener (absorb)'
     AND wait_event_type = 'Lock' AND $1 = ANY (pg_blocking_pids(pid))`, [holder]);
  return rows.map(({ pid }) => pid);
}

/**
 * Holds the lock of a point, until an absorb waits for it and `strike` is done with it, or for so long.
 *
 * @param onHeld told once the lock is held
 * @returns whether one waited
 */
export async function strikeAt(
  db: TestDatabase, { lock }: AbsorbPoint, limitMs: number, strike: (waiting: readonly number[]) => Promise<void>, onHeld: () => void = () => undefined,
): Promise<boolean> {
  const client: pg.PoolClient = await db.admin.connect();
  try {
    await client.query(`SET lock_timeout = '3s'; BEGIN`);
    await client.query(lock);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    onHeld();
    const deadline = performance.now() + limitMs;
    for (;;) {
      const waiting = await waitingAbsorbs(db, rows[0]?.pid ?? 0);
      if (waiting.length > 0) {
        await strike(waiting);
        return true;
      }
      if (performance.now() > deadline) return false;
      await pause(10);
    }
  } finally {
    client.release(true);
  }
}
