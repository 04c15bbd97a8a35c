/** Days are those of UTC. */
interface Release {
  /** The day from which on it gets no more fixes. */
  readonly end: string;
  /** A minor release, and the day it came out. */
  readonly minor: number;
  readonly since: string;
}

/** Major releases of the server. Sources: postgresql.org/support/versioning and its release notes. */
const postgres: Readonly<Record<number, Release>> = {
  15: { end: '2027-11-11', minor: 18, since: '2026-05-14' },
  16: { end: '2028-11-09', minor: 14, since: '2026-05-14' },
  17: { end: '2029-11-08', minor: 10, since: '2026-05-14' },
  18: { end: '2030-11-14', minor: 4, since: '2026-05-14' },
};

/** Releases of Node.js and the day of their end. Source: schedule.json of github.com/nodejs/Release. */
const node: Readonly<Record<number, string>> = {
  20: '2026-04-30', 21: '2024-06-01', 22: '2027-04-30', 23: '2025-06-01', 24: '2028-04-30', 25: '2026-06-01', 26: '2029-04-30',
};

export interface Lifecycle {
  /** The day of its end if that has come, as '2027-11-11'. */
  readonly endedOn: string | undefined;
  /** About how many minor releases have come out since. */
  readonly behind: number;
}

/** How old is this server? What is not in the table is too new for it, and taken for new. Pure. @param versionNumber 150004 is 15.4 */
export function serverLifecycle(versionNumber: number, today: Date): Lifecycle {
  const release = postgres[Math.floor(versionNumber / 10_000)];
  if (release === undefined) return { endedOn: undefined, behind: 0 };
  const endedOn = ended(release.end, today);
  const until = endedOn === undefined ? today : new Date(release.end);
  const latest = release.minor + scheduledReleases(new Date(release.since), until);
  return { endedOn, behind: Math.max(0, latest - (versionNumber % 10_000)) };
}

/** The day of its end if that has come. Pure. @param version '20.19.0' */
export function nodeEnd(version: string, today: Date): string | undefined {
  const end = node[Number.parseInt(version, 10)];
  return end === undefined ? undefined : ended(end, today);
}

function ended(end: string, today: Date): string | undefined {
  return today.getTime() >= new Date(end).getTime() ? end : undefined;
}

const releaseMonths = [1, 4, 7, 10];
const thursday = 4;

/**
 * How many minor releases were to come out after one day and up to another: on the second Thursday of February, May, August
 * and November. Others may have come between. Source: postgresql.org/developer/roadmap. Pure.
 */
export function scheduledReleases(after: Date, upTo: Date): number {
  let count = 0;
  for (let year = after.getUTCFullYear(); year <= upTo.getUTCFullYear(); year += 1) {
    for (const month of releaseMonths) {
      const first = new Date(Date.UTC(year, month, 1)).getUTCDay();
      const day = Date.UTC(year, month, 1 + ((thursday - first + 7) % 7) + 7);
      if (day > after.getTime() && day <= upTo.getTime()) count += 1;
    }
  }
  return count;
}
