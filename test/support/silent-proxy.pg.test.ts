import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { startSilentProxy } from './silent-proxy.js';

it('makes a half-open connection to PostgreSQL: a query neither answers nor fails', async () => {
  const proxy = await startSilentProxy(inject('adminUrl'));
  const client = new pg.Client({ connectionString: proxy.url(inject('adminUrl')), query_timeout: 300 });
  client.on('error', () => undefined);
  await client.connect();
  expect((await client.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  proxy.silence();
  await expect(client.query('SELECT 1')).rejects.toThrow('Query read timeout');
  proxy.close();
});
