import { describe, expect, it } from 'vitest';
import { triggerFault } from '../../src/catalog/trigger.js';

describe('triggerFault', () => {
  it('misses a trigger that is not there', () => {
    expect(triggerFault(undefined, true)).toBe('missing');
    expect(triggerFault(undefined, false)).toBe('missing');
  });

  it.each(['O', 'A', 'R', 'D'] as const)('finds a trigger altered whatever its state (%s), which a mere enabling would not mend', (enabled) => {
    expect(triggerFault({ enabled, intact: false }, true)).toBe('altered');
    expect(triggerFault({ enabled, intact: false }, false)).toBe('altered');
  });

  it.each([
    ['A', true, undefined],
    ['A', false, undefined],
    // Where we own the table we set ALWAYS: anything else proves that somebody disabled it for a while.
    ['O', true, 'disabled'],
    ['O', false, undefined],
    ['R', true, 'disabled'],
    ['R', false, 'disabled'],
    ['D', true, 'disabled'],
    ['D', false, 'disabled'],
  ] as const)('state %s, table owned: %s: %s', (enabled, owned, expected) => {
    expect(triggerFault({ enabled, intact: true }, owned)).toBe(expected);
  });
});
