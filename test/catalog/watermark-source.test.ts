import { describe, expect, it } from 'vitest';
import { judgeWatermark, type IdColumnFacts, type SequenceFacts, type TableFacts, type WatermarkFacts } from '../../src/catalog/watermark-source.js';

const sequence: SequenceFacts = {
  oid: 7, name: 'public.t_id_seq', plain: true, cache: '1', increment: '1', cycle: false, unlogged: false, readable: true, lastValue: '9007199254740993',
};
const id: IdColumnFacts = {
  name: 'id', type: 'bigint', notNull: true, identity: '', default: `nextval('public.t_id_seq'::regclass)`, sequences: [sequence], primary: true, unique: true,
};
const text: IdColumnFacts = { ...id, name: 'kind', type: 'text', default: null, sequences: [], primary: false, unique: false };
const second: IdColumnFacts = { ...id, name: 'number', primary: false, sequences: [{ ...sequence, oid: 8, name: 'public.t_number_seq' }] };

function table(columns: readonly IdColumnFacts[], rest: Partial<WatermarkFacts> = {}): WatermarkFacts {
  return { name: 'public.t', kind: 'r', persistence: 'p', columns, below: [], subscribed: [], ...rest };
}
function leaf(own: Partial<IdColumnFacts>, rest: Partial<TableFacts> = {}): TableFacts {
  return { name: 'public.t_1', kind: 'r', persistence: 'p', columns: [{ ...id, ...own }], ...rest };
}
function parted(...below: readonly TableFacts[]): WatermarkFacts {
  return table([id], { kind: 'p', below });
}

describe('the id column that is found', () => {
  it.each([
    ['the only one that draws from a sequence', [text, id], 'id'],
    ['the primary key before another unique one', [second, id], 'id'],
    ['the identity column before a primary key', [id, { ...second, identity: 'd' }], 'number'],
    ['the only unique one', [{ ...id, primary: false, unique: false }, second], 'number'],
    ['the only integer', [{ ...id, type: 'text' }, second], 'number'],
  ])('%s', (_what, columns, found) => {
    expect(judgeWatermark(table(columns))).toMatchObject({ idColumn: found });
  });

  it('the one that is named, whatever else there is', () => {
    expect(judgeWatermark(table([id, second]), 'number')).toEqual({ idColumn: 'number', sequence: 'public.t_number_seq', mayReadSequence: true, generatedAlways: false, lastValue: '9007199254740993' });
  });
});

describe('an id that every INSERT must draw', () => {
  const always = { ...id, identity: 'a' };
  it.each([
    ['a table of its own', table([always]), true],
    ['BY DEFAULT', table([{ ...id, identity: 'd' }]), false],
    ['leaves that do not care', table([always], { kind: 'p', below: [leaf({ identity: '', default: null, sequences: [] })] }), false],
    ['leaves that do', table([always], { kind: 'p', below: [leaf({ identity: 'a', default: null, sequences: [] })] }), true],
  ])('%s', (_what, facts, generatedAlways) => {
    expect(judgeWatermark(facts)).toMatchObject({ generatedAlways });
  });
});

describe('leaves', () => {
  it('with the same sequence, or no default at all, will do', () => {
    expect(judgeWatermark(parted(leaf({}), leaf({ default: null, sequences: [] })))).toMatchObject({ idColumn: 'id', sequence: 'public.t_id_seq' });
  });
});

describe('what is no watermark is refused, with the way out', () => {
  const changes = 'otherwise it needs --capture changes, which this version does not have';
  it.each([
    ['no sequence', table([text]), undefined, 'has no column that draws its values from a sequence', changes],
    ['a plain view', table([id], { kind: 'v' }), undefined, 'is no table', 'name a table'],
    ['unlogged', table([id], { persistence: 'u' }), undefined, 'is unlogged: a crash empties it', changes],
    ['temporary', table([id], { persistence: 't' }), undefined, 'is a temporary table, which only its own session can read', 'ordinary table'],
    ['inheritance', table([id], { below: [leaf({})] }), undefined, 'has children by inheritance (public.t_1), over which no index makes an id unique', changes],
    ['a foreign partition', parted(leaf({}, { kind: 'f' })), undefined, 'has the foreign partition public.t_1, whose changes nobody records', '--schedule'],
    ['an unlogged leaf', parted(leaf({}, { persistence: 'u' })), undefined, 'has the unlogged partition public.t_1: a crash empties it', changes],
    ['a subscriber', table([id], { subscribed: ['public.t'] }), undefined, 'gets rows by logical replication (public.t), with ids that another server has drawn', changes],
    ['a name that is not there', table([id, text]), 'idd', 'has no column idd', '--id id'],
    ['a name like none', table([id]), 'zzzzzzzz', 'has no column zzzzzzzz', 'name the column of its ids with --id'],
    ['several', table([{ ...id, primary: false }, second]), undefined, 'has several columns that draw from a sequence (id, number)', '--id id or --id number'],
    ['no integer', table([{ ...id, type: 'numeric' }]), undefined, 'has ids of type numeric in id, which is no integer', changes],
    ['a named column without a sequence', table([{ ...id, default: null, sequences: [] }]), 'id', 'does not draw id from a sequence', changes],
    ['an expression', table([{ ...id, default: '(nextval(s) * 10)', sequences: [{ ...sequence, plain: false }] }]), undefined, 'makes id by an expression, (nextval(s) * 10), so that ids need not come in order', changes],
    ['nullable', table([{ ...id, notNull: false }]), undefined, 'allows NULL in id, and such rows would never be read', 'SET NOT NULL'],
    ['not unique', table([{ ...id, unique: false }]), undefined, 'has no unique index on id alone that is valid and without a WHERE', 'CREATE UNIQUE INDEX CONCURRENTLY'],
    ['CACHE', table([{ ...id, sequences: [{ ...sequence, cache: '20' }] }]), undefined, 'draws id from the sequence public.t_id_seq with CACHE 20: each session uses up ids of its own, in no common order', 'CACHE 1'],
    ['INCREMENT', table([{ ...id, sequences: [{ ...sequence, increment: '-1' }] }]), undefined, 'draws id from the sequence public.t_id_seq with INCREMENT -1', 'INCREMENT 1'],
    ['CYCLE', table([{ ...id, sequences: [{ ...sequence, cycle: true }] }]), undefined, 'draws id from the sequence public.t_id_seq, which begins anew at its end (CYCLE)', 'NO CYCLE'],
    ['an unlogged sequence', table([{ ...id, sequences: [{ ...sequence, unlogged: true }] }]), undefined, 'draws id from the sequence public.t_id_seq, which is unlogged: after a crash it gives out ids again', 'SET LOGGED'],
    ['a leaf with a sequence of its own', parted(leaf({ sequences: [{ ...sequence, oid: 9, name: 'public.own' }] })), undefined, 'has the partition public.t_1, which draws id from elsewhere (public.own)', `SET DEFAULT nextval('public.t_id_seq')`],
    ['a leaf with another default', parted(leaf({ default: '0', sequences: [] })), undefined, 'has the partition public.t_1, which draws id from elsewhere (0)', 'SET DEFAULT nextval'],
  ])('%s', (_what, facts, name, refusal, remedy) => {
    expect(judgeWatermark(facts, name)).toMatchObject({ refusal, remedy: expect.stringContaining(remedy) as string });
  });
});
