import { describe, expect, it } from 'vitest';
import { requireServer, type ServerFacts } from '../../src/catalog/server.js';
import { UsageError } from '../../src/config/usage-error.js';

const good: ServerFacts = {
  versionNumber: 150_000, version: '15.0', inRecovery: false, database: 'shop', role: 'listener', mayCreateSchema: true, schemaExists: false,
  schemaOwner: null, schemaOwned: false,
};

describe('requireServer', () => {
  it('takes a primary from version 15 on', () => {
    expect(() => requireServer(good)).not.toThrow();
  });

  it.each<[string, Partial<ServerFacts>, string]>([
    ['an older one', { versionNumber: 140_013, version: '14.13' }, 'PostgreSQL 14.13 is too old: 15 or newer is needed. Upgrade the server.'],
    ['a standby', { inRecovery: true }, 'The server of database shop is a standby (pg_is_in_recovery), where nothing can be refreshed. Give --database-url the primary.'],
  ])('refuses %s', (_case, facts, message) => {
    expect(() => requireServer({ ...good, ...facts })).toThrow(new UsageError(message));
  });
});
