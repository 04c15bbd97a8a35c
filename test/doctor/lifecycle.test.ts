import { describe, expect, it } from 'vitest';
import { nodeFindings, serverVersionFindings } from '../../src/doctor/checks/version.js';
import { nodeEnd, scheduledReleases, serverLifecycle } from '../../src/doctor/lifecycle.js';

const day = (text: string): Date => new Date(text);

describe('minor releases', () => {
  it('come out on the second Thursday of February, May, August and November', () => {
    expect(scheduledReleases(day('2026-05-14'), day('2026-05-14'))).toBe(0);
    expect(scheduledReleases(day('2026-05-14'), day('2026-08-12'))).toBe(0);
    expect(scheduledReleases(day('2026-05-14'), day('2026-08-13'))).toBe(1);
    expect(scheduledReleases(day('2026-05-14'), day('2026-11-12'))).toBe(2);
    expect(scheduledReleases(day('2026-05-14'), day('2027-02-11'))).toBe(3);
    expect(scheduledReleases(day('2026-05-14'), day('2028-05-14'))).toBe(8);
  });
});

describe('a server', () => {
  it.each([
    ['is up to date', 150_018, '2026-06-01', { endedOn: undefined, behind: 0 }],
    ['is newer than was known', 150_020, '2026-06-01', { endedOn: undefined, behind: 0 }],
    ['lacks what came out since', 150_018, '2026-11-20', { endedOn: undefined, behind: 2 }],
    ['lacks what had come out before', 170_002, '2026-06-01', { endedOn: undefined, behind: 8 }],
    ['is out of support, and lacks what came out until then', 150_018, '2031-01-01', { endedOn: '2027-11-11', behind: 6 }],
    ['is of a release that was not known', 190_001, '2031-01-01', { endedOn: undefined, behind: 0 }],
  ])('%s', (_what, version, today, lifecycle) => {
    expect(serverLifecycle(version, day(today))).toEqual(lifecycle);
  });

  it('is told of when it is a year behind, and when its support has ended', () => {
    const told = (version: string, number: number, today: string): (string | undefined)[] => serverVersionFindings(version, number, day(today), 4).map(({ what }) => what);
    expect(told('16.14', 160_014, '2027-05-12')).toEqual([]);
    expect(told('16.14', 160_014, '2027-05-13')).toEqual(['PostgreSQL 16.14 lacks about 4 minor releases of fixes']);
    expect(told('16.14', 160_014, '2028-11-09')).toEqual(['PostgreSQL 16 has been out of support since 2028-11-09']);
  });
});

describe('Node.js', () => {
  it.each([['20.19.0', '2026-04-29', undefined], ['20.19.0', '2026-04-30', '2026-04-30'], ['24.1.0', '2026-06-01', undefined], ['99.0.0', '2099-01-01', undefined]])(
    '%s on %s', (version, today, end) => {
      expect(nodeEnd(version, day(today))).toBe(end);
    });

  it('is told of once it is out of support', () => {
    expect(nodeFindings('22.12.0', day('2027-04-29'))).toEqual([]);
    expect(nodeFindings('22.12.0', day('2027-04-30'))).toEqual([expect.objectContaining({
      level: 'warning', what: 'Node.js 22.12.0, which runs this, has been out of support since 2027-04-30',
    })]);
  });
});
