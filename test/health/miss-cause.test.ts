import { expect, it } from 'vitest';
import { missBecause } from '../../src/health/miss-cause.js';

const holder = { pid: 42, application: 'psql', state: 'idle in transaction', sinceMs: 300_000 };

it.each([
  ['nothing is known', undefined, undefined, null],
  ['it waits for another', undefined, 'public.mv_base', 'it waits for public.mv_base'],
  ['it fails', { id: 1, error: 'division\n by zero.', runningMs: null, holder: null }, undefined, 'its refreshes fail (division by zero)'],
  ['it runs for long', { id: 1, error: null, runningMs: 180_000, holder: null }, undefined, 'a refresh has been running for 3m'],
  ['it has just begun', { id: 1, error: null, runningMs: 29_000, holder: null }, undefined, null],
  ['somebody has a lock', { id: 1, error: 'timeout', runningMs: null, holder }, undefined, 'its refreshes fail (timeout); process 42 (psql, idle in transaction, for 5m) has a lock in its way'],
  ['who has it is not told', { id: 1, error: null, runningMs: null, holder: { pid: 42, application: '', state: null, sinceMs: null } }, undefined, 'process 42 has a lock in its way'],
] as const)('what a miss is put down to, when %s', (_what, cause, through, expected) => {
  expect(missBecause(cause, through, 60_000)).toBe(expected);
});
