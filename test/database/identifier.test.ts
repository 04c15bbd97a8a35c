import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/database/identifier.js';

describe('quoteIdentifier', () => {
  it.each([
    ['orders', '"orders"'],
    ['Odd Name', '"Odd Name"'],
    ['a.b', '"a.b"'],
    ['say "hi"', '"say ""hi"""'],
    ['"; DROP TABLE x; --', '"""; DROP TABLE x; --"'],
  ])('%s becomes %s', (name, quoted) => {
    expect(quoteIdentifier(name)).toBe(quoted);
  });

  it('is one quoted identifier, whatever the name, and means that name', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', '\\', "'", ';', '-', '.', ' ', '\n', 'a', 'B', 'é') }), (name) => {
        const inside = /^"((?:[^"]|"")*)"$/.exec(quoteIdentifier(name))?.[1];
        return inside?.replaceAll('""', '"') === name;
      }),
    );
  });
});
