import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { quoteIdentifier } from '../../src/database/identifier.js';

const client = new pg.Client(inject('adminUrl'));
beforeAll(() => client.connect());
afterAll(() => client.end());

it('PostgreSQL reads a quoted identifier as the name it was made of', async () => {
  // NUL is in no name, and 63 bytes are kept.
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }).filter((text) => !text.includes('\0'));
  await fc.assert(
    fc.asyncProperty(name, async (text) => {
      const { fields } = await client.query(`SELECT 1 AS ${quoteIdentifier(text)}`);
      expect(fields[0]?.name).toBe(text);
    }),
    { numRuns: 200 },
  );
});
