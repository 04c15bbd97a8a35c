import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Metrics } from '../../src/health/metrics.js';

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

it('docs/metrics.md has every metric, with its type, its labels and what it tells, and no other', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `refresh_listener_'));
  const documented = new Map(rows.map((row) => {
    const [name = '', type = '', labels = '', text = ''] = row.split('|').slice(1, -1).map((cell) => cell.trim());
    return [name.replaceAll('`', ''), { type, labels: labels === '' ? [] : labels.replaceAll('`', '').split(', '), text }] as const;
  }));
  const metrics = new Metrics().registry.getMetricsAsArray() as unknown as { name: string; type: string; help: string; labelNames: string[] }[];
  const own = metrics.filter(({ name }) => name.startsWith('refresh_listener_'));
  expect([...documented.keys()].sort()).toEqual(own.map(({ name }) => name).sort());
  for (const { name, type, labelNames, help } of own) {
    const { text = '', ...rest } = documented.get(name) ?? {};
    // The page may go on where the help text ends.
    expect([name, rest, text.slice(0, help.length)]).toEqual([name, { type, labels: labelNames }, help]);
  }
});
