import { describe, expect, it } from 'vitest';
import { choice, integer } from '../../src/config/option-type.js';

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
