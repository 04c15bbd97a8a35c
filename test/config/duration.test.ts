import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, longestTimerMs, parseDuration } from '../../src/config/duration.js';
import { UsageError } from '../../src/config/usage-error.js';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['5s', 5000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['0.07s', 70],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['3 days', 259_200_000],
    ['1 Day', 86_400_000],
    ['1m 30s', 90_000],
    ['1m30s', 90_000],
    [' 5s ', 5000],
  ])('reads %j as %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it('asks for the unit of a bare number', () => {
    expect(() => parseDuration('5')).toThrow(new UsageError('5 has no unit: write 5s or 5ms'));
    expect(() => parseDuration('1.5')).toThrow('1.5 has no unit: write 1.5s or 1.5ms');
  });

  it.each(['', ' ', '-5s', '-0.5s', '- 5s', 'NaN', 'NaNs', 'Infinity', 'Infinityms', '5x', '5 s 3', 's', '5s,3s', '1e3s', '0x10s', 'none'])(
    'refuses %j in one line',
    (text) => {
      expect(() => parseDuration(text)).toThrow(UsageError);
      expect(() => parseDuration(text)).toThrow(/^[^\n]+: write [^\n]+$/);
    },
  );

  it('refuses what a timer would fire at once', () => {
    expect(parseDuration(`${longestTimerMs}ms`)).toBe(longestTimerMs);
    expect(() => parseDuration(`${longestTimerMs + 1}ms`)).toThrow('too long: the longest is 24d 21h');
    expect(() => parseDuration('25 days')).toThrow(UsageError);
    expect(() => parseDuration(`${'9'.repeat(400)}s`)).toThrow(UsageError);
    expect(parseDuration('90 days', 3650 * 86_400_000)).toBe(90 * 86_400_000);
  });

  it('refuses to turn a fraction of a millisecond into nothing', () => {
    expect(() => parseDuration('0.1ms')).toThrow('too short');
  });

  it('reads any text or says why not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^-?\d{0,6}\.?\d{0,3} ?(ms|s|m|h|d|days)?$/)), (text) => {
        try {
          const value = parseDuration(text);
          expect(Number.isInteger(value) && value >= 0 && value <= longestTimerMs).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [0.4, '0ms'],
    [850, '850ms'],
    [999.4, '999ms'],
    [999.6, '1s'],
    [1000, '1s'],
    [4200, '4.2s'],
    [59_949, '59.9s'],
    [59_960, '1m'],
    [190_000, '3m 10s'],
    [3_599_600, '1h'],
    [7_500_000, '2h 5m'],
    [86_399_999, '1d'],
    [273_600_000, '3d 4h'],
    [-850, '-850ms'],
  ])('shows %d ms as %s', (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });

  it('shows what parseDuration reads back, to a twentieth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (durationMs) => {
        const back = parseDuration(formatDuration(durationMs));
        expect(Math.abs(back - durationMs)).toBeLessThanOrEqual(durationMs * 0.05);
      }),
    );
  });
});
