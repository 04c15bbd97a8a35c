import { describe, expect, it } from 'vitest';
import { nearestNames } from '../../src/config/nearest-names.js';

const views = ['analytics.mv_sales', 'analytics.mv_sales_daily', 'mv_dashboard', '"Odd Name"', 'x'];

describe('nearestNames', () => {
  it.each([
    ['mv_dashbord', ['mv_dashboard']],
    ['public.mv_dashboard', ['mv_dashboard']],
    ['mv_sales', ['analytics.mv_sales', 'analytics.mv_sales_daily']],
    ['analitics.mv_sale', ['analytics.mv_sales', 'analytics.mv_sales_daily']],
    ['MV_DASHBOARD', ['mv_dashboard']],
    ['odd name', ['"Odd Name"']],
    ['dashboard', ['mv_dashboard']],
    ['unrelated', []],
    ['', []],
  ])('finds for %j: %j', (wanted, expected) => {
    expect(nearestNames(wanted, views)).toEqual(expected);
  });

  it('sees swapped letters in a short name', () => {
    expect(nearestNames('rnu', ['run'])).toEqual(['run']);
  });

  it('gives the likeliest first, each once, and no more than asked', () => {
    expect(nearestNames('mv_a', ['mv_abc', 'mv_ab', 'mv_ab', 'mv_b', 'mv_c', 'mv_d'])).toEqual(['mv_ab', 'mv_b', 'mv_c']);
    expect(nearestNames('mv_a', ['mv_ab', 'mv_b'], 1)).toEqual(['mv_ab']);
  });
});
