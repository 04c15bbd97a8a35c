import { describe, expect, it } from 'vitest';
import { emptyGraph } from '../../src/catalog/graph.js';
import { FailureWatch } from '../../src/health/failure-watch.js';

const view = { id: 1, name: 'public.mv' };

function watch(): { watch: FailureWatch; told: string[] } {
  const told: string[] = [];
  const made = new FailureWatch({
    after: 3,
    onFailing: ({ view: name, failures, error, sqlstate }) => told.push(`${name} failing ${failures} ${error} ${sqlstate}`),
    onRecovered: ({ view: name, failures, because }) => told.push(`${name} ${because} after ${failures}`),
  });
  return { watch: made, told };
}

function fail(one: FailureWatch, attempts: readonly number[]): void {
  for (const attempt of attempts) one.failed(view, { attempt, error: 'boom', sqlstate: '22012' });
}

describe('a view that keeps failing', () => {
  it('is told of once, when it has failed so often in a row, and so is the end', () => {
    const { watch: failures, told } = watch();
    fail(failures, [1, 2]);
    expect(told).toEqual([]);
    fail(failures, [3, 4, 5]);
    failures.ended(1, 'refreshed');
    failures.ended(1, 'refreshed');
    expect(told).toEqual(['public.mv failing 3 boom 22012', 'public.mv refreshed after 5']);
    fail(failures, [1, 2, 3]);
    expect(told.at(-1)).toBe('public.mv failing 3 boom 22012');
  });

  it('is not told of when it recovers before', () => {
    const { watch: failures, told } = watch();
    fail(failures, [1, 2]);
    failures.ended(1, 'refreshed');
    fail(failures, [1, 2]);
    expect(told).toEqual([]);
  });

  it('is over when nobody serves it any more', () => {
    const { watch: failures, told } = watch();
    fail(failures, [3]);
    failures.serve(emptyGraph);
    expect(told).toEqual(['public.mv failing 3 boom 22012', 'public.mv removed after 3']);
  });
});
