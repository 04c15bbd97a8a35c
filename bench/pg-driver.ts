import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { customers, type Driver, type Workload } from './workload.js';

/** Where `pgbench` is not installed. One process of JavaScript: slower, so that the ratios flatter everybody. */
export const pgDriver: Driver = {
  name: 'the pg driver of Node (pgbench is not installed)',
  async run(url, workload) {
    const clients = await Promise.all(Array.from({ length: workload.clients }, () => connected(url)));
    try {
      const startedAt = performance.now();
      const until = startedAt + workload.seconds * 1_000;
      const counts = await Promise.all(clients.map((client) => repeat(client, workload, until)));
      return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - startedAt) / 1_000);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  },
};

async function repeat(client: pg.Client, { statements }: Workload, until: number): Promise<number> {
  const queries = [...new Set(statements)].map((text, index) => ({ statement: text, name: `bench_${index}`, text: text.replaceAll(':customer', '$1::pg_catalog.int4') }));
  const byStatement = new Map(queries.map((query) => [query.statement, query]));
  let count = 0;
  for (; performance.now() < until; count += 1) {
    const customer = 1 + Math.floor(Math.random() * customers);
    for (const statement of statements) {
      const query = byStatement.get(statement);
      if (query) await client.query({ name: query.name, text: query.text, values: query.text.includes('$1') ? [customer] : [] });
    }
  }
  return count;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}
