import { describe, expect, it } from 'vitest';
import { judgeFreshness, type ViewState } from '../../src/catalog/freshness.js';
import { before, changesOf, judged, viewState } from '../report/freshness-scene.js';

describe('the state of a view', () => {
  it.each<[string, Partial<ViewState>]>([
    ['fresh', {}],
    ['stale', { whole: true }],
    ['stale', { settled: true }],
    ['stale', { populated: false }],
    ['stale', { lapsed: true }],
    ['never', { lastSuccess: null, whole: true }],
    ['failing', { failures: 1, lastError: 'boom' }],
    ['failing', { failures: 1, lastError: 'boom', lastSuccess: null }],
    ['not-served', { served: false }],
    ['not-served', { served: false, failures: 2 }],
    ['paused', { pausedAt: before(60), served: false, failures: 2 }],
    ['gone', { exists: false, populated: false, pausedAt: before(60) }],
  ])('is %s with %j', (state, differing) => {
    expect(judged(viewState('mv', differing)).state).toBe(state);
  });

  it('is stale since the oldest change that it has not absorbed', () => {
    const view = viewState('mv');
    expect(judged(view, [changesOf(view, 30, ['public.a', 'public.b'], 7)])).toMatchObject({
      state: 'stale', stale: true, staleSince: before(30), changes: 7, changedSources: ['public.a', 'public.b'], doubts: [],
    });
  });

  it('is stale since nobody knows when, where a doubt hides what the log tells', () => {
    const view = viewState('mv', { whole: true });
    expect(judged(view, [changesOf(view, 30)])).toMatchObject({ stale: true, staleSince: null, doubts: ['marked'] });
  });
});

describe('a view over views', () => {
  const bottom = viewState('bottom');
  const middle = viewState('middle', { upstream: [bottom.id] });
  const top = viewState('top', { upstream: [middle.id] });

  it('is as stale as the stalest below it, and says through which', () => {
    // Out of order, as the catalog may list them.
    const [first] = judgeFreshness([top, middle, bottom], [changesOf(bottom, 90), changesOf(top, 5)], 'intact');
    expect(first).toMatchObject({ name: 'top', state: 'stale', staleSince: before(90), changes: 1, staleUpstream: ['middle'] });
  });

  it('takes its own change for the oldest when that is so', () => {
    const views = judgeFreshness([bottom, middle, top], [changesOf(bottom, 5), changesOf(middle, 90)], 'intact');
    expect(views.map(({ staleSince }) => staleSince)).toEqual([before(5), before(90), before(90)]);
  });

  it('does not know since when it is stale if one below does not', () => {
    const views = judgeFreshness([{ ...bottom, whole: true }, middle, top], [changesOf(top, 5)], 'intact');
    expect(views.map(({ stale, staleSince }) => [stale, staleSince])).toEqual([[true, null], [true, null], [true, null]]);
  });

  it('is fresh when all below it are', () => {
    expect(judgeFreshness([top, middle, bottom], [], 'intact').map(({ state }) => state)).toEqual(['fresh', 'fresh', 'fresh']);
  });
});

describe('where the log does not answer', () => {
  it('says of a standby that it does not know, but for what is certain', () => {
    const marked = viewState('marked', { whole: true });
    const over = viewState('over', { upstream: [marked.id] });
    const views = judgeFreshness([viewState('mv'), marked, over], undefined, undefined);
    expect(views.map(({ state, stale }) => [state, stale])).toEqual([['unknown', null], ['stale', true], ['stale', true]]);
  });

  it.each([['reset', 'log-reset'], ['moved', 'cluster-changed']] as const)('takes every view for stale when the log is %s', (log, doubt) => {
    expect(judgeFreshness([viewState('mv')], [], log)).toMatchObject([{ state: 'stale', staleSince: null, doubts: [doubt] }]);
  });
});
