import { describe, expect, it } from 'vitest';
import { boolean, choice, integer } from '../../src/config/option-type.js';

describe('boolean', () => {
  it.each([
    ['true', true],
    ['1', true],
    ['Yes', true],
    ['off', false],
    ['0', false],
  ])('reads %s as %s', (text, expected) => {
    expect(boolean().schema.parse(text)).toBe(expected);
  });

  it('refuses anything else', () => {
    expect(() => boolean().schema.parse('maybe')).toThrow('write true or false');
  });
});

describe('choice', () => {
  it('is read without regard to case', () => {
    expect(choice('notify', 'poll').schema.parse(' Poll ')).toBe('poll');
  });
});

describe('integer', () => {
  it.each(['', '1e1', '-1', '0x1', '9'.repeat(400)])('refuses %j', (text) => {
    expect(integer(0, 10).schema.safeParse(text).success).toBe(false);
  });
});
