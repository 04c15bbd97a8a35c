import type { Config } from './config.js';
import { options, type Option, type OptionName, optionNames } from './options.js';
import { coveringOverrides, settingsOf, withinTarget, type NamedView, type ViewSettings } from './view-settings.js';

/** Where a value of the general configuration was found: a flag, a variable, or a key of the config file. */
export type Origins = Readonly<Partial<Record<OptionName, string>>>;

/** A setting in force for one view. */
export interface SettingInForce {
  readonly option: OptionName;
  /** Durations in ms; undefined: none. */
  readonly value: number | string | boolean | undefined;
  /** `default`, or where it was said. */
  readonly origin: string;
}

const settingNames: Readonly<Record<keyof ViewSettings, OptionName>> = {
  debounceMs: 'debounce', maxWaitMs: 'max-wait', maxAgeMs: 'max-age', schedule: 'schedule', freshnessMs: 'freshness', lockTimeoutMs: 'lock-timeout',
  refreshTimeoutMs: 'refresh-timeout', batchRows: 'batch', repairEveryMs: 'repair-every', vacuum: 'vacuum', retryBaseMs: 'retry-base', retryMaxMs: 'retry-max',
};

/** What may be said of a single view, as it is in force for this one, and who said it. Pure. */
export function settingsInForce(config: Config, view: NamedView): SettingInForce[] {
  const said = settingsOf(config, view);
  const inForce = withinTarget(said);
  const covering = coveringOverrides(config.overrides, view);
  return optionNames.filter((option) => (options[option] as Option).perView === true).flatMap((option) => {
    const key = (Object.keys(settingNames) as (keyof ViewSettings)[]).find((one) => settingNames[one] === option);
    if (key === undefined) return [];
    const closest = covering.findLast(({ settings }) => settings[key] !== undefined);
    const created = key === 'freshnessMs' && typeof view.freshnessMs === 'number' ? 'summary create --freshness' : undefined;
    const origin = closest === undefined ? created ?? config.origins[option] ?? 'default' : `config file: views: ${closest.pattern.text}`;
    return [{ option, value: inForce[key], origin: inForce[key] === said[key] ? origin : 'half of --freshness' }];
  });
}
