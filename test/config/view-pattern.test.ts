import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitNames } from '../../src/config/name-list.js';
import { UsageError } from '../../src/config/usage-error.js';
import { matches, parseViewPattern } from '../../src/config/view-pattern.js';
import { quoteIdentifier } from '../../src/database/identifier.js';

const exact = (name: string) => ({ kind: 'exact', name });
const glob = (text: string) => ({ kind: 'pattern', glob: text });

describe('parseViewPattern', () => {
  it.each([
    ['mv', undefined, exact('mv')],
    [' MV_Dashboard ', undefined, exact('mv_dashboard')],
    ['analytics.mv', exact('analytics'), exact('mv')],
    ['analytics . mv', exact('analytics'), exact('mv')],
    ['"Odd Name"', undefined, exact('Odd Name')],
    ['"Odd.Schema"."a.b"', exact('Odd.Schema'), exact('a.b')],
    ['"a ""b"""', undefined, exact('a "b"')],
    ['été.ÜBER', exact('été'), exact('ÜBER'.replace('BER', 'ber'))],
    ['a$1', undefined, exact('a$1')],
    ['analytics.*', exact('analytics'), glob('*')],
    ['Mv_*', undefined, glob('mv_*')],
    ['*', undefined, glob('*')],
    ['*.mv', glob('*'), exact('mv')],
    ['"mv_*"', undefined, exact('mv_*')],
  ])('reads %j', (text, schema, name) => {
    expect(parseViewPattern(text)).toEqual({ schema, name, text: text.trim() });
  });

  it('cuts a long name off where PostgreSQL does', () => {
    expect(parseViewPattern('m'.repeat(70)).name).toEqual(exact('m'.repeat(63)));
    expect(parseViewPattern(`"${'m'.repeat(62)}é"`).name).toEqual(exact('m'.repeat(62)));
  });

  it.each([
    ['', 'is not a name'],
    ['.', 'is not a name'],
    ['a.', 'is not a name'],
    ['.a', 'is not a name'],
    ['a b', 'is not a name'],
    ['odd-name', 'is not a name'],
    ['1mv', 'is not a name'],
    ['mv;drop table x', 'is not a name'],
    ['a"b"', 'is not a name'],
    ['"a"b', 'is not a name'],
    ['"a', 'lacks its closing double quote'],
    ['""', 'holds an empty name'],
    ['db.analytics.mv', 'has too many parts'],
  ])('refuses %j: %s', (text, problem) => {
    expect(() => parseViewPattern(text)).toThrow(UsageError);
    expect(() => parseViewPattern(text)).toThrow(problem);
  });

  it('reads back every quoted name', () => {
    const name = fc.string({ minLength: 1, maxLength: 15, unit: 'grapheme' }).filter((text) => Buffer.byteLength(text) <= 63);
    fc.assert(
      fc.property(name, name, (schema, view) => {
        const pattern = parseViewPattern(`${quoteIdentifier(schema)}.${quoteIdentifier(view)}`);
        expect(pattern.schema).toEqual(exact(schema));
        expect(pattern.name).toEqual(exact(view));
        expect(matches(pattern, schema, view)).toBe(true);
      }),
    );
  });
});

describe('matches', () => {
  it.each([
    ['mv', 'public', 'mv', true],
    ['mv', 'other', 'mv', true],
    ['public.mv', 'other', 'mv', false],
    ['mv_*', 'public', 'mv_', true],
    ['mv_*', 'public', 'my_sales', false],
    ['*', 'public', 'anything', true],
    ['a*a', 'public', 'a', false],
    ['a*a', 'public', 'aa', true],
    ['*_a_*_b', 'public', 'x_a_y_a_z_b', true],
    ['*_a_*_b', 'public', 'x_a_b', false],
    ['"mv_*"', 'public', 'mv_sales', false],
  ])('%s against %s.%s: %s', (pattern, schema, name, expected) => {
    expect(matches(parseViewPattern(pattern), schema, name)).toBe(expected);
  });

  it('agrees with the regular expression that says the same', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(letters, name, (pattern, view) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matches(parseViewPattern(pattern), 'public', view)).toBe(expression.test(view));
      }),
    );
  });
});

describe('splitNames', () => {
  it.each([
    ['a,b', ['a', 'b']],
    [' a , b ,', ['a', 'b']],
    ['"a,b",c."d,""e"', ['"a,b"', 'c."d,""e"']],
    ['"a,b', ['"a,b']],
    [' , ', []],
  ])('splits %j', (text, expected) => {
    expect(splitNames(text)).toEqual(expected);
  });
});
