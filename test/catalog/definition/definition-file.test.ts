import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/config/usage-error.js';
import { lineAt, readDefinitionFile } from '../../../src/catalog/definition/definition-file.js';

describe('readDefinitionFile', () => {
  it.each([
    ['SELECT 1', 'SELECT 1'],
    ['SELECT 1;\n', 'SELECT 1'],
    ['-- ü\nSELECT a -- the end', 'SELECT a -- the end'],
    ['\uFEFFSELECT 1', 'SELECT 1'],
    ["SELECT ';' /* ; */ AS a;;", "SELECT ';' /* ; */ AS a"],
    ['WITH x AS (SELECT 1) SELECT * FROM x', 'WITH x AS (SELECT 1) SELECT * FROM x'],
    ['TABLE events', 'TABLE events'],
  ])('finds the one statement of %j', async (text, select) => {
    const file = await readDefinitionFile('f.sql', text);
    expect(file.select).toBe(select);
    expect(file.text.slice(file.offset).startsWith(select)).toBe(true);
  });

  it.each([
    ['', 'f.sql holds no statement: write one SELECT ... FROM ... GROUP BY ... into it'],
    ['-- nothing\n;', 'f.sql holds no statement: write one SELECT ... FROM ... GROUP BY ... into it'],
    ['-- ü\nSELECT 1;\n-- more\nSELECT 2;', 'f.sql holds 2 statements, the second at line 4: leave the one SELECT that the summary is to show'],
    ['CREATE MATERIALIZED VIEW mv AS SELECT 1', 'f.sql holds another statement than a SELECT (CREATE): write the SELECT alone, without CREATE ... AS before it'],
    ['DELETE FROM events', 'f.sql holds another statement than a SELECT (DELETE): write the SELECT alone, without CREATE ... AS before it'],
    ['SELECT 1 INTO x', 'f.sql holds SELECT ... INTO: leave INTO out, the summary is the table'],
    ['SELECT "ü",\n  2\nFORM x', 'f.sql, line 3: syntax error at or near "x"'],
    ['\n\\set x 1\nSELECT 1', 'f.sql, line 2: syntax error at or near "\\" (commands of psql, which begin with a backslash, mean nothing here)'],
    ["SELECT 'open", `f.sql, line 1: unterminated quoted string at or near "'open"`],
  ])('refuses %j', async (text, message) => {
    await expect(readDefinitionFile('f.sql', text)).rejects.toThrow(new UsageError(message));
  });
});

it('lineAt counts from 1', () => {
  expect([0, 1, 2, 3].map((place) => lineAt('a\nb\n', place))).toEqual([1, 1, 2, 2]);
});
