// npm run test:versions [-- 15 17]: the whole test suite on each supported PostgreSQL, one after another.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { majors, parseMajor, type Major } from './postgres-package.js';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

interface Outcome {
  readonly major: Major;
  readonly ok: boolean;
  /** `N passed, N failed, N skipped`, where the run came that far. */
  readonly counts: string | undefined;
}

async function runOn(major: Major): Promise<Outcome> {
  console.log(`\nPostgreSQL ${major}`);
  // A given server has one version only.
  const env = { ...process.env, TEST_POSTGRES_MAJOR: String(major), TEST_DATABASE_URL: '', ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) };
  const run = spawn(process.execPath, [vitest, 'run'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    output += text;
  });
  const [status] = (await once(run, 'close')) as [number | null];
  return { major, ok: status === 0, counts: /^\d+ passed, \d+ failed, \d+ skipped$/m.exec(output)?.[0] };
}

function chosen(args: readonly string[]): readonly Major[] {
  try {
    return args.length > 0 ? args.map(parseMajor) : majors;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

const outcomes: Outcome[] = [];
for (const major of chosen(process.argv.slice(2))) outcomes.push(await runOn(major));

console.log('');
for (const { major, ok, counts } of outcomes) console.log(`PostgreSQL ${major}: ${ok ? 'ok' : 'FAILED'} (${counts ?? 'no tests ran'})`);
process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
