import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const module = fileURLToPath(new URL('container-engine.ts', import.meta.url));

/** In a process of its own: testcontainers remembers the engine that it has found. */
async function askWith(dockerHost: string): Promise<{ answer: string; durationMs: number }> {
  const script = `import { engineAnswers } from ${JSON.stringify(module)};
    const started = performance.now();
    console.log(JSON.stringify({ answer: String(await engineAnswers()), durationMs: performance.now() - started }));
    process.exit();`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, DOCKER_HOST: dockerHost } });
  return JSON.parse(stdout) as { answer: string; durationMs: number };
}

it('soon gives up on a DOCKER_HOST that accepts and never answers', async () => {
  const hole = createServer();
  await once(hole.listen(0, '127.0.0.1'), 'listening');
  const { answer, durationMs } = await askWith(`tcp://127.0.0.1:${(hole.address() as AddressInfo).port}`);
  hole.close();
  expect(answer).toBe('false');
  expect(durationMs).toBeLessThan(3_000);
});
