import { matches, type ViewPattern } from './view-pattern.js';

/** What may be said of a single view. Durations are in milliseconds. */
export interface ViewSettings {
  readonly debounceMs: number;
  readonly maxWaitMs: number;
  /** Refresh when older than this, changed or not. */
  readonly maxAgeMs: number | undefined;
  /** Refresh at these times, changed or not: a cron expression. */
  readonly schedule: string | undefined;
  /** How long the view may be stale; undefined: nothing is said of it, see `freshnessTargetMs`. */
  readonly freshnessMs: number | undefined;
  readonly lockTimeoutMs: number;
  /** 0: none. */
  readonly refreshTimeoutMs: number;
  /** How many new rows a summary takes in its first transaction. */
  readonly batchRows: number;
  /** Compare a summary with its source so often. */
  readonly repairEveryMs: number;
  /** Whether to clear its dead rows, and renew its statistics, in the pause after a refresh. */
  readonly vacuum: boolean;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
}

/** What the config file says of the views that a name or a pattern covers. */
export interface ViewOverride {
  readonly pattern: ViewPattern;
  readonly settings: Partial<ViewSettings>;
}

/** A view, by the parts of its name as the catalog has them, unquoted. */
export interface NamedView {
  readonly schema: string;
  readonly relation: string;
  /** Of a summary: the target it was created with. */
  readonly freshnessMs?: number | null | undefined;
}

/**
 * The settings of one view: the general ones, then what a summary was created with, then each pattern that covers it in the
 * order of the file, then its own name. The closer wins. Pure.
 */
export function settingsOf(
  { overrides, ...general }: ViewSettings & { readonly overrides: readonly ViewOverride[] }, view: NamedView,
): ViewSettings {
  const { freshnessMs } = view;
  const own = freshnessMs === null || freshnessMs === undefined ? {} : { freshnessMs };
  return Object.assign({}, general, own, ...coveringOverrides(overrides, view).map(({ settings }) => settings)) as ViewSettings;
}

/**
 * The same, with no wait that a freshness target leaves no time for: half of it at most, for then comes the refresh. Pure.
 */
export function withinTarget<Settings extends Pick<ViewSettings, 'freshnessMs' | 'debounceMs' | 'maxWaitMs'>>(settings: Settings): Settings {
  const longestMs = (settings.freshnessMs ?? Infinity) / 2;
  return { ...settings, debounceMs: Math.min(settings.debounceMs, longestMs), maxWaitMs: Math.min(settings.maxWaitMs, longestMs) };
}

/** What the config file says of one view, the closest last. Pure. */
export function coveringOverrides(overrides: readonly ViewOverride[], view: NamedView): ViewOverride[] {
  const covering = overrides.filter(({ pattern }) => matches(pattern, view.schema, view.relation));
  return [...covering.filter(({ pattern }) => !isName(pattern)), ...covering.filter(({ pattern }) => isName(pattern))];
}

function isName(pattern: ViewPattern): boolean {
  return pattern.name.kind === 'exact';
}
