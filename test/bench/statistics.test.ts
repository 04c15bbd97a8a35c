import { describe, expect, it } from 'vitest';
import { median, orderOf, pairedRatios, quantile, spreadOf } from '../../bench/statistics.js';

describe('median and quantiles', () => {
  it.each([
    [[3], 3],
    [[1, 10], 5.5],
    [[10, 2, 30], 10],
    [[9, 1, 3, 2], 2.5],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('interpolate between neighbours, and leave the values as they were', () => {
    const values = [40, 10, 20, 30, 0];
    expect(spreadOf(values)).toEqual({ median: 20, low: 10, high: 30 });
    expect(quantile(values, 0.9)).toBe(36);
    expect(values).toEqual([40, 10, 20, 30, 0]);
  });

  it('of no values are refused', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('pairedRatios', () => {
  it('compares within a round, so that a slow round does no harm', () => {
    expect(pairedRatios([90, 45, 9], [100, 50, 10])).toEqual([0.9, 0.9, 0.9]);
  });

  it('refuses rounds that are not pairs', () => {
    expect(() => pairedRatios([1], [1, 2])).toThrow('1 values cannot be paired with 2');
  });
});

describe('orderOf', () => {
  it('turns around each second round, without touching the list', () => {
    const items = ['a', 'b', 'c'];
    expect([0, 1, 2].map((round) => orderOf(items, round).join(''))).toEqual(['abc', 'cba', 'abc']);
    expect(items.join('')).toBe('abc');
  });
});
