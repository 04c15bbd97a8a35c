import { describe, expect, it } from 'vitest';
import { parseNodeTree } from '../../src/catalog/node-tree.js';

describe('a stored query tree', () => {
  it('is read: nodes, lists, words, nothing, and a constant of several words', () => {
    expect(parseNodeTree('({QUERY :list (1 {VAR :varno 3}) :none <> :constvalue 4 [ 10 0 ] :last x})')).toEqual([
      { name: 'QUERY', fields: { list: ['1', { name: 'VAR', fields: { varno: '3' } }], none: [], constvalue: ['4', '[', '10', '0', ']'], last: 'x' } },
    ]);
  });

  it('keeps names whole that look like syntax', () => {
    expect(parseNodeTree('{T :resname c\\ \\{x\\} :colnames ("a\\ \\(b" "c") :resno 2}')).toEqual({
      name: 'T', fields: { resname: 'c {x}', colnames: ['"a (b"', '"c"'], resno: '2' },
    });
  });

  it.each(['{QUERY :a (1', '(', '{A', ''])('that is cut short is refused: %s', (text) => {
    expect(() => parseNodeTree(text)).toThrow('brackets do not match');
  });
});
