import { describe, expect, it } from 'vitest';
import type { LineageNode } from '../../src/catalog/lineage.js';
import type { WatchedSource } from '../../src/catalog/source-watch.js';
import { explanationText, type Explanation } from '../../src/report/explanation.js';
import { at, changesOf, judged, viewState } from './freshness-scene.js';

function node(name: string, kind: LineageNode['kind'], below: readonly LineageNode[] = [], child = false): LineageNode {
  return { oid: 1, name, kind, child, repeated: false, below };
}

const source: WatchedSource = {
  oid: 1, name: 'public.orders', kind: 'r', isChild: false, watch: 'not-installed', linked: false, recordsUntil: null, bell: null, remembered: false,
  difference: undefined,
};
const before: Explanation = {
  view: 'public.mv_dashboard', at, standby: false, installed: false, freshness: undefined,
  plan: { plan: 'plain', reason: 'readers wait while it is refreshed, for it has no usable unique index', index: null, advice: 'CREATE UNIQUE INDEX ON public.mv_dashboard ("id");' },
  lineage: {
    upstream: [
      node('public.parts', 'p', ['1', '2', '3', '4', '5', '6'].map((n) => node(`public.parts_${n}`, 'r', [], true))),
      node('public.v_recent', 'v', [node('public.orders', 'r')]),
    ],
    downstream: [node('public.mv_top', 'm')],
  },
  sources: [source],
  unwritten: ['reads the clock by now()'],
  settings: [{ option: 'debounce', value: 1500, origin: 'config file: views: mv_*' }, { option: 'max-age', value: undefined, origin: 'default' }],
};

describe('what explain tells', () => {
  it('before anything is installed, is what a worker would do', () => {
    expect(explanationText(before, 100)).toBe(
      `Now
  Nothing is installed in this database yet: this is what a worker would do.

How it is refreshed
  Plainly: readers wait while it is refreshed, for it has no usable unique index.
  This would help, with columns that no two rows share: CREATE UNIQUE INDEX ON public.mv_dashboard ("id");

What it reads
  public.mv_dashboard
  ├── public.parts (partitioned table)
  │   ├── public.parts_1 (partition or child)
  │   ├── public.parts_2 (partition or child)
  │   ├── public.parts_3 (partition or child)
  │   └── and 3 more partitions or children
  └── public.v_recent (plain view)
      └── public.orders (table)

What reads it
  public.mv_dashboard
  └── public.mv_top (materialized view)

How changes are seen
  source         kind   watched
  public.orders  table  by trigger, once served

What changes it without a write
  It reads the clock by now().
  Nothing tells the worker of that: give it --max-age or --schedule.

Settings in force, as this call finds them
  option    value  from
  debounce  1.5s   config file: views: mv_*
  max-age   none   default`,
    );
  });

  it('of a view that is served, is why it is stale, and what of its sources is not as it should be', () => {
    const view = viewState('public.mv_dashboard');
    const text = explanationText({
      ...before, installed: true, freshness: judged(view, [changesOf(view, 95)]), unwritten: [],
      sources: [{ ...source, watch: 'disabled', linked: true, bell: 'quiet' }],
    }, 100);
    expect(text).toContain('Now\n  Stale, for 1m 35s. Refreshed 12s ago in 67ms.\n  1 statement changed public.orders and is not shown yet.\n\n');
    expect(text).toContain('  public.orders  table  trigger disabled  on         quiet\n  The trigger of public.orders is disabled: the next sweep of a worker mends it.\n');
    expect(text).toContain('What changes it without a write\n  Nothing that the catalog shows.');
  });

  it('tells of a source that looks different, unless a change on record explains it', () => {
    const view = viewState('public.mv_dashboard');
    const sources: WatchedSource[] = [{ ...source, watch: 'always', linked: true, remembered: true, difference: 'columns' }];
    expect(explanationText({ ...before, installed: true, freshness: judged(view), sources }, 100)).toContain('public.orders looks different from the last refresh (columns)');
    expect(explanationText({ ...before, installed: true, freshness: judged(view, [changesOf(view, 5)]), sources }, 100)).not.toContain('looks different');
  });

  it('asks for no timer where there is one', () => {
    const settings = [{ option: 'max-age', value: 900_000, origin: '--max-age' }] as const;
    expect(explanationText({ ...before, settings }, 100)).not.toContain('Nothing tells the worker of that');
  });

  it('tells of a number as one', () => {
    const settings = [{ option: 'batch', value: 50_000, origin: 'default' }] as const;
    expect(explanationText({ ...before, settings }, 100)).toMatch(/batch +50,000 +default$/);
  });

  it('tells of a target that nobody has set', () => {
    const settings = [{ option: 'freshness', value: undefined, origin: 'default' }] as const;
    expect(explanationText({ ...before, settings }, 100)).toMatch(/freshness +twice its interval +default$/);
  });
});

describe('the settings that explain tells', () => {
  it('are durations, rows, switches and texts, each as one would write it', () => {
    const settings = [
      { option: 'debounce', value: 1500, origin: 'default' }, { option: 'batch', value: 50_000, origin: 'default' },
      { option: 'vacuum', value: false, origin: '--no-vacuum' }, { option: 'schedule', value: '0 0 * * *', origin: 'default' }, { option: 'refresh-timeout', value: 0, origin: 'default' },
    ] as const;
    const shown = explanationText({ ...before, settings }, 100).split('\n').map((line) => line.trim().split(/  +/).slice(0, 2).join(': '));
    expect(shown).toEqual(expect.arrayContaining(['debounce: 1.5s', 'batch: 50,000', 'vacuum: off', 'schedule: 0 0 * * *', 'refresh-timeout: none']));
  });
});
