import { describe, expect, it } from 'vitest';
import { buildLineage, type LineageLink } from '../../src/catalog/lineage.js';

function link(direction: 'up' | 'down', reader: number, relation: number, kind: LineageLink['kind'] = 'r', how: LineageLink['link'] = 'reads'): LineageLink {
  return { direction, link: how, reader, readerName: `r${reader}`, readerKind: 'm', relation, name: `r${relation}`, kind };
}

describe('buildLineage', () => {
  it('hangs each relation below its reader, partitions below their root', () => {
    const { upstream } = buildLineage(1, [link('up', 1, 2, 'v'), link('up', 2, 3, 'p'), link('up', 3, 4, 'r', 'child')]);
    expect(upstream).toMatchObject([{ name: 'r2', kind: 'v', below: [{ name: 'r3', kind: 'p', below: [{ name: 'r4', child: true, below: [] }] }] }]);
  });

  it('shows what is below a relation once', () => {
    const { upstream } = buildLineage(1, [link('up', 1, 2, 'm'), link('up', 1, 3, 'm'), link('up', 3, 2, 'm'), link('up', 2, 4)]);
    expect(upstream).toMatchObject([
      { name: 'r2', repeated: false, below: [{ name: 'r4' }] },
      { name: 'r3', below: [{ name: 'r2', repeated: true, below: [] }] },
    ]);
  });

  it('leads from a view to its readers, and on to theirs', () => {
    const { upstream, downstream } = buildLineage(1, [link('down', 2, 1), link('down', 3, 2)]);
    expect(upstream).toEqual([]);
    expect(downstream).toMatchObject([{ name: 'r2', kind: 'm', below: [{ name: 'r3', below: [] }] }]);
  });
});
