import { describe, expect, it } from 'vitest';
import { choreFor, choreStatement, isRoomyLog, type DeadRows } from '../../src/catalog/dead-rows.js';

const table: DeadRows = {
  oid: 1, name: 'public.mv', liveRows: 100, deadRows: 0, changedRows: 0, vacuumFrom: 70, analyzeFrom: 60, bytes: 8192, vacuumedMsAgo: null, autovacuum: true, vacuums: 0, analyzes: 0, may: true,
};
const log = { ...table, name: 'refresh_listener.change_log', liveRows: 10, deadRows: 10, vacuumFrom: 5_000, bytes: 20 * 2 ** 20 };

describe('what a table needs', () => {
  it.each([
    ['nothing, as autovacuum would say', { deadRows: 70, changedRows: 60 }, true, undefined],
    ['to be vacuumed', { deadRows: 71 }, true, 'vacuum'],
    ['to be vacuumed, which analyzes too', { deadRows: 71, changedRows: 61 }, true, 'vacuum'],
    ['to be analyzed', { changedRows: 61 }, true, 'analyze'],
    ['nothing while its dead rows cannot be cleared', { deadRows: 71 }, false, undefined],
    ['to be analyzed while its dead rows cannot be cleared', { deadRows: 71, changedRows: 61 }, false, 'analyze'],
    ['nothing that this role may not do', { deadRows: 71, changedRows: 61, may: false }, true, undefined],
  ] as const)('%s', (_what, change, clearable, chore) => {
    expect(choreFor({ ...table, ...change }, clearable)).toBe(chore);
  });

  it('the change log also when its file is mostly room', () => {
    expect(choreFor(log, true)).toBe('vacuum');
    expect(choreFor(log, false)).toBeUndefined();
    expect(choreFor({ ...log, may: false }, true)).toBeUndefined();
  });
});

describe('the file of the change log is mostly room', () => {
  it.each([
    ['after a long transaction', {}, true],
    ['not while its room is in use', { deadRows: 100_000 }, false],
    ['not when it is small', { bytes: 8 * 2 ** 20 }, false],
    ['not where nothing was deleted since', { deadRows: 0 }, false],
    ['not of another table', { name: 'refresh_listener.run' }, false],
  ])('%s', (_what, change, roomy) => {
    expect(isRoomyLog({ ...log, ...change })).toBe(roomy);
  });
});

describe('the statement', () => {
  it.each([
    ['vacuum', table, 'VACUUM (ANALYZE, SKIP_LOCKED) public.mv'],
    ['analyze', table, 'ANALYZE (SKIP_LOCKED) public.mv'],
    ['vacuum', { ...log, deadRows: 100_000 }, 'VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE false) refresh_listener.change_log'],
    ['vacuum', log, 'VACUUM (ANALYZE, SKIP_LOCKED, INDEX_CLEANUP true) refresh_listener.change_log'],
  ] as const)('to %s %o', (chore, what, statement) => {
    expect(choreStatement(chore, what)).toBe(statement);
  });
});
