import type { TestProject } from 'vitest/node';
import { serverVersion, startServer } from './server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server of this run, as superuser. */
    adminUrl: string;
  }
}

/** One server a run; each test file makes itself a database in it (database.ts). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = performance.now();
  const server = await startServer(process.env);
  const version = await serverVersion(server.adminUrl);
  console.log(`Tests run on PostgreSQL ${version} (${server.kind}), ready after ${Math.round(performance.now() - started)} ms`);
  project.provide('adminUrl', server.adminUrl);
  return () => server.stop();
}
