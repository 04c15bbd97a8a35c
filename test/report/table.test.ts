import { describe, expect, it } from 'vitest';
import { renderTable, type Column } from '../../src/report/table.js';

const columns: Column[] = [{ title: 'view', elastic: true }, { title: 'stale for', align: 'right' }];

describe('renderTable', () => {
  it('sets columns side by side, without borders', () => {
    expect(renderTable(columns, [['public.mv', '5s'], ['public.mv_long', '1h 3m']], 80)).toBe(
      ['view            stale for', 'public.mv              5s', 'public.mv_long      1h 3m'].join('\n'),
    );
  });

  it('cuts the elastic column short where the terminal is narrow', () => {
    const lines = renderTable(columns, [['public.mv_of_a_very_long_name', '5s']], 24).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(24);
    expect(lines[1]).toMatch(/^public\.mv_\S*….* 5s$/);
  });

  it('shows the titles alone when there are no rows', () => {
    expect(renderTable(columns, [], 80)).toBe('view  stale for');
  });
});
