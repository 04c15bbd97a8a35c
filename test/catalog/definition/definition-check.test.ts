import { describe, expect, it } from 'vitest';
import { refuseByCalls, refuseBySource, refuseByTypes, type ColumnFacts, type DefinitionFacts } from '../../../src/catalog/definition/definition-check.js';
import { readDefinition } from '../../../src/catalog/definition/read-definition.js';

const source = { oid: 5, name: 'public.t', kind: 'r', rowSecurity: false, catalog: false };
const none: DefinitionFacts = { source, aggregates: [], setReturning: [], columns: [] };
const text: ColumnFacts = { name: 'c', type: 'text', base: 'text', collation: null, btree: true, hash: true, oneImage: true };
const numeric: ColumnFacts = { ...text, type: 'numeric', base: 'numeric', oneImage: false };

async function bySource(facts: Partial<NonNullable<DefinitionFacts['source']>> | null): Promise<string | undefined> {
  const reading = await readDefinition('SELECT k, count(*) AS n FROM public.t GROUP BY k');
  if ('refusal' in reading) throw new Error(reading.refusal);
  return refuseBySource({ ...none, source: facts === null ? null : { ...source, ...facts } }, reading.definition)?.refusal;
}

describe('the source', () => {
  it.each([
    ['a table', {}, undefined],
    ['a partitioned table', { kind: 'p' }, undefined],
    ['nothing', null, 'reads public.t, which is not there'],
    ['a foreign table', { kind: 'f' }, 'reads public.t, a foreign table, whose changes nobody records'],
    ['a sequence', { kind: 'S' }, 'reads public.t, which is no table'],
  ])('%s', async (_what, facts, refusal) => {
    expect(await bySource(facts)).toBe(refusal);
  });
});

describe('what a definition calls', () => {
  it('is nothing, or the first thing found', () => {
    expect(refuseByCalls(none, [])).toBeUndefined();
    expect(refuseByCalls({ ...none, aggregates: ['public.f()'] }, ['reads the clock by now()', 'calls g()'])?.refusal).toBe('reads the clock by now()');
  });
});

describe('the types of its columns', () => {
  it('an extreme needs one image, or a declared scale', () => {
    const byTypes = (column: ColumnFacts, typmod?: number) => refuseByTypes(
      { ...none, columns: [column] }, [{ role: 'max', name: 'c' }], typmod === undefined ? [] : [{ name: 'c', type: 1700, typmod }])?.refusal;
    expect(byTypes(text)).toBeUndefined();
    expect(byTypes(numeric, 786438)).toBeUndefined();
    const doubt = 'has c, max() of numeric, of which equal values may look different';
    expect([byTypes(numeric, -1), byTypes(numeric)]).toEqual([doubt, doubt]);
  });

  it('a dimension needs an equality for both an index and a hash', () => {
    const byTypes = (column: ColumnFacts) => refuseByTypes({ ...none, columns: [column] }, [{ role: 'dimension', name: 'c' }], [])?.refusal;
    expect([byTypes(text), byTypes(numeric)]).toEqual([undefined, undefined]);
    const refusal = 'groups by c of type text, which has no equality that an index and a hash can use';
    expect([byTypes({ ...text, btree: false }), byTypes({ ...text, hash: false })]).toEqual([refusal, refusal]);
  });

  it('a column that the view has not is no column of this definition', () => {
    expect(() => refuseByTypes(none, [{ role: 'count', name: 'n' }], [])).toThrow('The definition has no column n.');
  });
});
