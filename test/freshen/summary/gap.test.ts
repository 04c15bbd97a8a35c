import { describe, expect, it } from 'vitest';
import { hasId, holdersNow, isDrawn, isSettled } from '../../../src/freshen/summary/gap.js';
import { isRestarted } from '../../../src/freshen/summary/take-batch.js';

const open = { pid: 7, since: null };
const byHand = { sequence: { pid: null, since: null } };

describe('holders of a gap', () => {
  it('stay as long as they are there, and nobody joins them', () => {
    expect(holdersNow({ '3/1': open, '4/1': open }, { '3/1': open, '5/1': open })).toEqual({ '3/1': open });
  });
  it('may have been prepared, and be called otherwise since a restart', () => {
    expect(holdersNow({ '3/1': open }, { '-1/740': open, '5/1': open })).toEqual({ '-1/740': open });
    expect(holdersNow({}, { '-1/740': open })).toEqual({});
  });
  it('are unknown until the sequence has come there; then it may be anybody who is there', () => {
    expect(holdersNow({ '3/1': open }, { '3/1': open }, false)).toEqual(byHand);
    expect(holdersNow(byHand, { '5/1': open }, false)).toEqual(byHand);
    expect(holdersNow(byHand, { '5/1': open })).toEqual({ '5/1': open });
  });
  it('must be gone before an absorb that drops the gap, and has looked into all of it', () => {
    expect([isSettled({ holders: {} }, true), isSettled({ holders: {} }, false), isSettled({ holders: byHand }, true)]).toEqual([true, false, false]);
  });
});

describe('ranges of ids', () => {
  it('are drawn once the sequence has come to the last of them, where it is known', () => {
    expect([isDrawn('{[3,5),[8,10)}', 9n), isDrawn('{[3,5),[8,10)}', 8n), isDrawn('{[8,10)}', 0n), isDrawn('{}', 1n)]).toEqual([true, false, true, true]);
  });
  it('hold an id or not', () => {
    expect([2n, 3n, 4n, 5n, -2n].map((id) => hasId('{[-3,-1),[3,5)}', id))).toEqual([false, true, true, false, true]);
    expect(hasId('{}', 1n)).toBe(false);
  });
  it('are not given out once more by a sequence that is still to come to them', () => {
    expect(isRestarted({ lastId: '130', gapIds: '{[101,130)}' }, { lastValue: 100n })).toBe(false);
    expect(isRestarted({ lastId: '130', gapIds: '{[101,130)}' }, { lastValue: 12n })).toBe(true);
    expect(isRestarted({ lastId: '130', gapIds: '{}' }, { lastValue: 0n })).toBe(false);
  });
});
