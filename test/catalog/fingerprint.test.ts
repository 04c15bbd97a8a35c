import { describe, expect, it } from 'vitest';
import { fingerprintAfter, fingerprintChange, type Fingerprint } from '../../src/catalog/fingerprint.js';

const before: Fingerprint = { file: 16_400, children: 'c1', columns: 'k1', rows: '100,20,3', commits: '2,23' };

describe('fingerprintChange', () => {
  it.each<[string, Partial<Fingerprint>, ReturnType<typeof fingerprintChange>]>([
    ['nothing', {}, undefined],
    ['the set of partitions', { children: 'c2' }, 'partitions'],
    ['the last partition gone', { children: null }, 'partitions'],
    ['the file', { file: 16_401 }, 'storage'],
    ['the columns', { columns: 'k2' }, 'columns'],
    ['rows that were committed', { rows: '101,20,3', commits: '2,24' }, 'counters'],
    ['rows that were rolled back', { rows: '101,20,3' }, undefined],
    ['an ANALYZE alone', { commits: '3,0' }, undefined],
    ['rows, and an ANALYZE after them', { rows: '101,20,3', commits: '3,0' }, 'counters'],
    ['counters that were reset', { rows: '0,0,0', commits: '0,0' }, 'counters'],
    ['partitions and everything else, of which partitions tell most', { children: 'c2', file: 1, columns: 'k2', rows: '0,0,0', commits: '0,0' }, 'partitions'],
    ['storage and counters, of which storage tells more', { file: 1, rows: '0,0,0', commits: '0,0' }, 'storage'],
  ])('%s', (_, changed, expected) => {
    expect(fingerprintChange(before, { ...before, ...changed })).toBe(expected);
  });

  it('takes a table without partitions for itself', () => {
    const plain = { ...before, children: null };
    expect(fingerprintChange(plain, { ...plain })).toBeUndefined();
    expect(fingerprintChange(plain, before)).toBe('partitions');
  });
});

describe('fingerprintAfter', () => {
  it('adds what a refresh wrote to the counters, and takes over the file', () => {
    expect(fingerprintAfter(before, { file: 16_401, inserted: 5, updated: 1, deleted: 4 })).toEqual({
      file: 16_401, children: 'c1', columns: 'k1', rows: '105,21,7', commits: '2,33',
    });
  });

  it('leaves a source alone that was not written', () => {
    expect(fingerprintAfter(before, { file: before.file, inserted: 0, updated: 0, deleted: 0 })).toEqual(before);
  });

  it('is what the sweep must find for the rewrite to go unmentioned', () => {
    const foreseen = fingerprintAfter(before, { file: 16_400, inserted: 2, updated: 0, deleted: 2 });
    expect(fingerprintChange(foreseen, { ...before, rows: '102,20,5', commits: '2,27' })).toBeUndefined();
    expect(fingerprintChange(foreseen, { ...before, rows: '103,20,5', commits: '2,28' })).toBe('counters');
  });
});
