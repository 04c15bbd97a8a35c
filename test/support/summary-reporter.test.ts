import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'summary-reporter-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `import { SummaryReporter } from ${JSON.stringify(join(root, 'test/support/summary-reporter.js'))};
     export default { test: { reporters: [new SummaryReporter()] } };`,
  );
});

afterEach(() => rm(folder, { recursive: true }));

/** Runs vitest on one file with this content. */
async function run(content: string, ...filter: string[]): Promise<{ status: number; lines: string[] }> {
  await writeFile(join(folder, 'some.test.ts'), `import { it, beforeAll, describe, expect } from 'vitest';\n${content}`);
  return new Promise((resolve) => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    execFile(process.execPath, [vitest, 'run', '--root', folder, ...filter], { cwd: folder }, (error, stdout) =>
      resolve({ status: Number(error?.code ?? 0), lines: stdout.trimEnd().split('\n') }),
    );
  });
}

it('ends with the counts, and with the reasons of skipped tests', async () => {
  const { status, lines } = await run(`it('a', () => {}); it('b', () => {}); it('c', (ctx) => ctx.skip('no moon tonight')); it.skip('d', () => {})`);
  expect(lines.slice(-2)).toEqual(['skipped c: no moon tonight', '2 passed, 0 failed, 2 skipped']);
  expect(status).toBe(0);
});

it('counts failed tests', async () => {
  const { status, lines } = await run(`it('a', () => {}); it('b', () => expect(1).toBe(2))`);
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(status).toBe(1);
});

it('counts a failed beforeAll, whose tests vitest skips', async () => {
  const { lines } = await run(`describe('s', () => { beforeAll(() => { throw new Error('no') }); it('a', () => {}) })`);
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 1 skipped');
});

it('counts a file that does not load', async () => {
  const { lines } = await run(`throw new Error('no')`);
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
});

it('counts a run without any test file', async () => {
  const { status, lines } = await run('', 'nothing-of-this-name');
  expect(lines).toContain('0 passed, 1 failed, 0 skipped');
  expect(status).toBe(1);
});

it('counts an error outside of tests', async () => {
  const { lines } = await run(`it('a', () => { Promise.reject(new Error('nobody waits')) })`);
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
});
