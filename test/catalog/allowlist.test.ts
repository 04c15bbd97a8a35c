import { describe, expect, it } from 'vitest';
import { resolveAllowlist, type ListedView } from '../../src/catalog/allowlist.js';
import { parseViewPattern } from '../../src/config/view-pattern.js';

let nextOid = 1;
function matview(schema: string, relation: string, pathPosition: number | null): ListedView {
  nextOid += 1;
  return { oid: nextOid, kind: 'matview', freshnessMs: null, definedBy: nextOid, schema, relation, name: `${schema}.${relation}`, pathPosition, mayRefresh: true, owner: 'owner' };
}

const daily = matview('public', 'daily', 2);
const ownDaily = matview('own', 'daily', 1);
const hourly = matview('analytics', 'hourly', null);
const northTotals = matview('north', 'totals', null);
const southTotals = matview('south', 'totals', null);
const odd = matview('Odd.Schema', 'a "b" C', null);
const all = [daily, ownDaily, hourly, northTotals, southTotals, odd];

function resolve(...patterns: string[]): { views: string[]; missing: string[]; ambiguous: (readonly string[])[] } {
  const { views, missing, ambiguous } = resolveAllowlist(patterns.map(parseViewPattern), all);
  return {
    views: views.map((view) => view.name),
    missing: missing.map((pattern) => pattern.text),
    ambiguous: ambiguous.map(({ views: several }) => several.map((view) => view.name)),
  };
}
const nothing = { views: [], missing: [], ambiguous: [] };

describe('resolveAllowlist', () => {
  it('takes for a bare name the first match along the search path, as SQL does', () => {
    expect(resolve('daily')).toEqual({ ...nothing, views: ['own.daily'] });
  });

  it('finds a bare name outside the path when no other bears it', () => {
    expect(resolve('hourly')).toEqual({ ...nothing, views: ['analytics.hourly'] });
  });

  it('asks back when several outside the path bear it', () => {
    expect(resolve('totals')).toEqual({ ...nothing, ambiguous: [['north.totals', 'south.totals']] });
  });

  it('is told which one by the schema', () => {
    expect(resolve('south.totals', 'public.daily')).toEqual({ ...nothing, views: ['south.totals', 'public.daily'] });
  });

  it('takes every match of a pattern, in the path or not', () => {
    expect(resolve('*.totals').views).toEqual(['north.totals', 'south.totals']);
    expect(resolve('d*').views).toEqual(['public.daily', 'own.daily']);
  });

  it('lists a view once that several patterns name', () => {
    expect(resolve('*.daily', 'own.daily', 'daily').views).toEqual(['public.daily', 'own.daily']);
  });

  it('matches quoted names to the letter', () => {
    expect(resolve('"Odd.Schema"."a ""b"" C"').views).toEqual(['Odd.Schema.a "b" C']);
    expect(resolve('"Odd.Schema"."a ""b"" c"').missing).toHaveLength(1);
  });

  it('tells of what matches nothing, beside what does', () => {
    expect(resolve('daly', 'hourly', 'nowhere.*')).toEqual({ ...nothing, views: ['analytics.hourly'], missing: ['daly', 'nowhere.*'] });
  });
});
