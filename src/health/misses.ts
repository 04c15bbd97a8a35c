/** A view that has been stale for longer than it may be. */
export interface MissedTarget {
  /** Its display name. */
  readonly view: string;
  readonly stalenessMs: number;
  readonly targetMs: number;
}

/** Why a miss ended: the view shows what it should; somebody paused it; it is no longer served. */
export type MissEnd = 'refreshed' | 'paused' | 'removed';

/** A miss under way. Moments are of the server's clock, in ms since 1970. */
export interface Miss {
  readonly id: number;
  /** The view's display name. */
  readonly view: string;
  readonly targetMs: number;
  /** Since when the view is stale: it may be refreshed meanwhile, and be late still. */
  sinceMs: number;
  /** When it was over its target. */
  readonly missedAtMs: number;
  /** Its cause is looked for first. */
  told: boolean;
}

/** The misses under way: each is told once, and its end once. */
export class Misses {
  readonly #misses = new Map<number, Miss>();
  readonly #onEnd: (ended: { readonly view: string; readonly missedForMs: number; readonly because: MissEnd }) => void;

  constructor(onEnd: (ended: { readonly view: string; readonly missedForMs: number; readonly because: MissEnd }) => void) {
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#misses.size;
  }

  ids(): Iterable<number> {
    return this.#misses.keys();
  }

  has(id: number): boolean {
    return this.#misses.has(id);
  }

  /** How they stand at a moment. */
  at(nowMs: number): MissedTarget[] {
    return [...this.#misses.values()].map(({ view, targetMs, sinceMs }) => ({ view, stalenessMs: Math.round(nowMs - sinceMs), targetMs: Math.round(targetMs) }));
  }

  /** @returns a new miss that is to be told; undefined: it is under way already */
  begin(id: number, view: string, sinceMs: number, targetMs: number): Miss | undefined {
    const known = this.#misses.get(id);
    if (known !== undefined) {
      known.sinceMs = sinceMs;
      return undefined;
    }
    const miss: Miss = { id, view, targetMs, sinceMs, missedAtMs: sinceMs + targetMs, told: false };
    this.#misses.set(id, miss);
    return miss;
  }

  /** @returns whether the miss is under way still: then it counts as told */
  tell(miss: Miss): boolean {
    if (this.#misses.get(miss.id) !== miss) return false;
    miss.told = true;
    return true;
  }

  /** Harmless where none is under way. */
  end(id: number, because: MissEnd, nowMs: number): void {
    const miss = this.#misses.get(id);
    if (miss === undefined) return;
    this.#misses.delete(id);
    if (miss.told) this.#onEnd({ view: miss.view, missedForMs: Math.round(Math.max(0, nowMs - miss.missedAtMs)), because });
  }
}
