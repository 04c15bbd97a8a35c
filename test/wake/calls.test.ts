import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Calls } from '../../src/wake/calls.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Rests of 500 ms; the numbers of the views looked at. */
function scene(look: () => Promise<void> = () => Promise.resolve()): { calls: Calls; looks: number[]; troubles: unknown[] } {
  const looks: number[] = [];
  const troubles: unknown[] = [];
  const calls = new Calls({
    spacingMs: 500,
    look: (view) => {
      looks.push(view);
      return look();
    },
    onTrouble: (error) => troubles.push(error),
  });
  return { calls, looks, troubles };
}

describe('calls for a view', () => {
  it('are answered at once, each view for itself', () => {
    const { calls, looks } = scene();
    calls.call(1);
    calls.call(2);
    expect(looks).toEqual([1, 2]);
  });

  it('cost a flood of ten seconds two looks a second, and its last call is looked into', async () => {
    const { calls, looks } = scene();
    for (let ms = 0; ms < 10_000; ms += 1) {
      for (let call = 0; call < 10; call += 1) calls.call(1);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(looks).toHaveLength(21);
    calls.call(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks).toHaveLength(22);
    calls.call(1);
    expect(looks).toHaveLength(23);
  });

  it('that come during a look are looked into after it', async () => {
    const { calls, looks } = scene(() => new Promise((resolve) => setTimeout(resolve, 200)));
    calls.call(1);
    await vi.advanceTimersByTimeAsync(100);
    calls.call(1);
    calls.call(1);
    await vi.advanceTimersByTimeAsync(599);
    expect(looks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks).toHaveLength(2);
  });

  it('go on after a look that failed, and end with a stop', async () => {
    const { calls, looks, troubles } = scene(() => Promise.reject(new Error('lost')));
    calls.call(1);
    calls.call(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(looks).toEqual([1, 1]);
    expect(troubles).toHaveLength(2);
    await calls.stop();
    await calls.stop();
    calls.call(1);
    expect(looks).toEqual([1, 1]);
  });
});
