import { SingleBar } from 'cli-progress';

/** Where it shows how far a long work has come, on a terminal; undefined where there is none. */
export interface ProgressBar {
  /** @param values of the format's own tokens */
  update(done: number, total: number, values: Readonly<Record<string, string>>): void;
  /** Leaves the terminal as it was. Harmless twice. */
  stop(): void;
}

/**
 * @param format of cli-progress, after the bar itself: {percentage}, {value}, {total}, {eta_formatted} and tokens of one's own
 */
export function progressBar(format: string): ProgressBar | undefined {
  if (!process.stdout.isTTY) return undefined;
  const bar = new SingleBar({ stream: process.stdout, clearOnComplete: true, hideCursor: null, format: `{bar} ${format}` });
  return {
    update(done, total, values) {
      if (!bar.isActive) bar.start(Math.max(1, total), done, values);
      bar.setTotal(Math.max(1, total));
      bar.update(done, values);
    },
    stop: () => bar.stop(),
  };
}
