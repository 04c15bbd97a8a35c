import { describe, expect, it } from 'vitest';
import { readImage, replaceRegionSql } from '../../src/freshen/compare.js';

describe('an image', () => {
  it.each<[string, (string | null)[]]>([
    ['()', [null]],
    ['(1)', ['1']],
    ['(,)', [null, null]],
    ['("",)', ['', null]],
    ['(a,"b,c","(""d"")","\\\\")', ['a', 'b,c', '("d")', '\\']],
    ['("two\nlines",\'x\')', ['two\nlines', "'x'"]],
  ])('%j reads as %j', (text, values) => {
    expect(readImage(text)).toEqual(values);
  });
});

it('a table without a key is refused', () => {
  expect(() => replaceRegionSql({ table: 'public.t', keys: [], values: ['n'], now: 'SELECT 1 AS n' })).toThrow('public.t has no key');
});
