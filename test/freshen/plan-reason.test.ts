import { describe, expect, it } from 'vitest';
import { explainPlan } from '../../src/freshen/plan-reason.js';

const target = { name: 'public.mv', populated: true, file: 1, keyColumns: ['id'], columns: ['id', 'n'] };
const index = { name: 'mv_id', columns: ['id'], fault: null };
const advice = { statement: 'CREATE UNIQUE INDEX ON public.mv ("id");', certainty: 'definition', because: 'one' } as const;
const partial = { name: 'mv_some', columns: ['n'], fault: 'it is partial (it has a WHERE)' };

describe('why a view is refreshed the way it is', () => {
  it('names the index', () => {
    expect(explainPlan(target, [partial, index], advice)).toEqual({
      plan: 'concurrent', index, reason: 'by unique index mv_id (id): readers do not notice', advice: null,
    });
  });

  it('is plain once, while it holds no data', () => {
    expect(explainPlan({ ...target, populated: false }, [index], advice)).toMatchObject({
      plan: 'plain', reason: 'it holds no data yet; from then on concurrently, by unique index mv_id (id)', advice: null,
    });
  });

  it('says what keeps an index from being used, and which would do', () => {
    expect(explainPlan({ ...target, keyColumns: [] }, [partial], advice)).toMatchObject({
      plan: 'plain', index: null,
      reason: 'readers wait while it is refreshed, for it has no usable unique index (mv_some will not do: it is partial (it has a WHERE))',
      advice: advice.statement,
    });
  });

  it('advises nothing for a view without columns', () => {
    expect(explainPlan({ ...target, keyColumns: [], columns: [] }, [], undefined).advice).toBeNull();
  });
});
