import { randomUUID } from 'node:crypto';

const CANARY = /^canary:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A payload that nobody else sends: hearing it proves that this very notification came through. */
export function newCanary(): string {
  return `canary:${randomUUID()}`;
}

/** Whether the payload is a canary, ours or another worker's: nothing changed, nobody need look. */
export function isCanary(payload: string): boolean {
  return CANARY.test(payload);
}
