import { describe, expect, it } from 'vitest';
import { chooseBucket, type Dimension } from '../../src/catalog/summary-bucket.js';
import { keyNames } from '../../src/catalog/new-table.js';

const at = { name: 'at', type: 'timestamp with time zone', isTime: true };
const hour: Dimension = { ...at, name: 'hour', reads: [at] };
const day: Dimension = { name: 'day', type: 'date', isTime: true, reads: [at] };
const fixed: Dimension = { name: 'fixed', type: 'date', isTime: true, reads: [] };
const account: Dimension = { name: 'account', type: 'integer', isTime: false, reads: [{ name: 'account', type: 'integer', isTime: false }] };

describe('chooseBucket', () => {
  it.each<[string, Dimension[], string | undefined, boolean, string | undefined]>([
    ['the one that is a time', [account, hour, fixed], undefined, true, 'hour'],
    ['the one that is a time, also where none is needed', [account, hour], undefined, false, 'hour'],
    ['none of several, where none is needed', [day, hour], undefined, false, undefined],
    ['none where none is a time and none is needed', [account, fixed], undefined, false, undefined],
    ['the one that is named', [day, hour], 'hour', true, 'hour'],
    ['one that is named as SQL folds names', [day, hour], 'HOUR', false, 'hour'],
    ['one that is named in quotes', [{ ...hour, name: 'The "Hour' }], '"The ""Hour"', false, 'The "Hour'],
  ])('takes %s', (_what, dimensions, wanted, needed, bucket) => {
    expect(chooseBucket(dimensions, wanted, needed)).toBe(bucket);
  });

  it('names those among which it cannot choose', () => {
    expect(() => chooseBucket([day, hour], undefined, true)).toThrow('--bucket day or --bucket hour');
    expect(() => chooseBucket([account, fixed], undefined, true)).toThrow('no dimension is one (fixed is the same for every row)');
  });
});

describe('keyNames', () => {
  it('are those that PostgreSQL would try, and no longer than a name can be', () => {
    expect(keyNames('hourly').slice(0, 3)).toEqual(['hourly_key', 'hourly_key1', 'hourly_key2']);
    for (const table of ['a'.repeat(63), 'ü'.repeat(31), '😀'.repeat(15)]) {
      for (const name of keyNames(table)) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(name).not.toContain('\ufffd');
      }
    }
  });
});
