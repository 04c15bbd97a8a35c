import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/support/summary-reporter.js';

export default defineConfig({
  test: {
    reporters: [new SummaryReporter()],
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      // `*.test.ts` needs nothing, `*.pg.test.ts` needs PostgreSQL: the server is only started when one of the latter runs.
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.pg.test.ts'] } },
      { extends: true, test: { name: 'pg', include: ['test/**/*.pg.test.ts'], globalSetup: ['test/support/global-setup.ts'] } },
    ],
  },
});
