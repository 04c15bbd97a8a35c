import { describe, expect, it } from 'vitest';
import { renderDiagnosis } from '../../src/doctor/diagnosis-text.js';
import type { Diagnosis } from '../../src/doctor/examine.js';

const findings: Diagnosis['findings'] = [
  { group: 'Server', check: 'server', level: 'ok', what: 'PostgreSQL 15.4, a primary' },
  {
    group: 'Views', check: 'unique index', level: 'warning', view: 'public.mv', what: 'public.mv has no unique index that a concurrent refresh could use',
    why: 'Readers wait while it is refreshed, and every row is written anew.', remedy: `CREATE UNIQUE INDEX ON public.mv ("${'long_'.repeat(20)}");`,
  },
  { group: 'Views', check: 'pace', level: 'failure', what: 'It is slow', why: 'So it is.', remedy: `Set ${'--max-wait '.repeat(12)}`.trim() },
];

describe('the diagnosis as text', () => {
  it('stands in groups and fits the terminal; SQL is never broken', () => {
    expect(renderDiagnosis({ findings }, { width: 80, colour: false })).toBe(`Server
  ok       PostgreSQL 15.4, a primary

Views
  warning  public.mv has no unique index that a concurrent refresh could use
             Readers wait while it is refreshed, and every row is written anew.
               CREATE UNIQUE INDEX ON public.mv ("${'long_'.repeat(20)}");
  failure  It is slow
             So it is.
               Set --max-wait --max-wait --max-wait --max-wait --max-wait
               --max-wait --max-wait --max-wait --max-wait --max-wait --max-wait
               --max-wait

1 failure, 1 warning, 1 check passed.`);
  });

  it('says so when nothing failed', () => {
    expect(renderDiagnosis({ findings: findings.slice(0, 1) }, { width: 80, colour: false })).toMatch(/\nNo failure, 0 warnings, 1 check passed\.$/);
  });

  it('is coloured for those who see it', () => {
    expect(renderDiagnosis({ findings }, { width: 80, colour: true })).toContain('\u001b[31mfailure');
  });
});
