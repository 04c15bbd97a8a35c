import { beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/commands/run.js';
import { resolveConfig } from '../../src/config/config.js';
import { UsageError } from '../../src/config/usage-error.js';
import type { LogOptions } from '../../src/report/log.js';
import type { Worker } from '../../src/worker.js';

const scene = vi.hoisted((): { lines: string[]; worker: Worker | undefined } => ({ lines: [], worker: undefined }));

vi.mock('../../src/worker.js', () => ({ createWorker: () => scene.worker }));
vi.mock(import('../../src/report/log.js'), async (original) => {
  const { createLog } = await original();
  return { createLog: (options: LogOptions) => createLog({ ...options, destination: { write: (line) => scene.lines.push(line) } }) };
});

const config = resolveConfig({ views: 'mv', 'database-url': 'postgres://u:hidden@h/d' }, { env: {}, isTerminal: false });

function fakeWorker(start: () => Promise<void>, finished: Promise<number> = Promise.resolve(0)): Worker & { stops: boolean[] } {
  const stops: boolean[] = [];
  return {
    start,
    finished,
    stops,
    stop({ force }) {
      stops.push(force);
      return Promise.resolve();
    },
  };
}

describe('run', () => {
  beforeEach(() => {
    scene.lines.length = 0;
  });

  it('returns the exit status of the worker', async () => {
    scene.worker = fakeWorker(() => Promise.resolve(), Promise.resolve(7));
    expect(await run(config)).toBe(7);
  });

  it('explains in one line why it could not connect, and cleans up', async () => {
    const worker = fakeWorker(() => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })));
    scene.worker = worker;
    const error: unknown = await run(config).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toContain('could not connect: nothing listens at postgres://u:***@h/d: start PostgreSQL there');
    expect(worker.stops).toEqual([true]);
    expect(scene.lines).toEqual([]);
  });

  it('logs any other failure with its stack', async () => {
    scene.worker = fakeWorker(() => Promise.reject(new Error('out of cheese')));
    expect(await run(config)).toBe(1);
    expect(scene.lines).toHaveLength(1);
    expect(JSON.parse(scene.lines[0] ?? '')).toMatchObject({ level: 'error', msg: 'The worker failed.', err: { message: 'out of cheese' } });
  });

  it('leaves a mistake of the caller to the caller', async () => {
    const worker = fakeWorker(() => Promise.reject(new UsageError('no view is named mv')));
    scene.worker = worker;
    await expect(run(config)).rejects.toThrow(UsageError);
    expect(worker.stops).toEqual([true]);
    expect(scene.lines).toEqual([]);
  });

  it('no longer catches signals when it is done', async () => {
    const before = process.listenerCount('SIGTERM');
    scene.worker = fakeWorker(() => Promise.resolve());
    await run(config);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
