import { describe, expect, it } from 'vitest';
import { buildGraph } from '../../src/catalog/graph.js';

const orders = { id: 1, oid: 101, name: 'public.orders' };
const customers = { id: 2, oid: 102, name: 'public.customers' };
const daily = { id: 10, kind: 'matview' as const, freshnessMs: null, oid: 201, name: 'public.daily', schema: 'public', relation: 'daily', sources: [1] };
/** `daily`, as a source of others. */
const dailySource = { id: 3, oid: 201, name: 'public.daily' };
const monthly = { id: 11, kind: 'matview' as const, freshnessMs: null, oid: 202, name: 'public.monthly', schema: 'public', relation: 'monthly', sources: [2, 3] };

describe('buildGraph', () => {
  it('gives each source the views that read it, in order', () => {
    const { sources } = buildGraph([daily, { ...monthly, sources: [1, 2] }], [orders, customers]);
    expect(sources.get(1)?.views).toEqual([10, 11]);
    expect(sources.get(2)?.views).toEqual([11]);
  });

  it('gives each view the served views that it reads', () => {
    const { views } = buildGraph([monthly, daily], [orders, customers, dailySource]);
    expect(views.get(11)?.upstream).toEqual([10]);
    expect(views.get(10)?.upstream).toEqual([]);
  });

  it('does not take a view for upstream that this worker does not serve', () => {
    const { views, sources } = buildGraph([monthly], [customers, dailySource]);
    expect(views.get(11)?.upstream).toEqual([]);
    expect(sources.get(3)?.views).toEqual([11]);
  });

  it('leaves out sources that no served view reads', () => {
    expect([...buildGraph([daily], [orders, customers]).sources.keys()]).toEqual([1]);
  });

  it('may be empty, and may hold a view without sources', () => {
    expect(buildGraph([], []).views.size).toBe(0);
    expect(buildGraph([{ ...daily, sources: [] }], []).views.get(10)).toMatchObject({ sources: [], upstream: [] });
  });
});
