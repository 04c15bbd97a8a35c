import { formatNumber, formatRatio, renderTable } from '../table.js';
import { median, orderOf, pairedRatios, spreadOf, type Spread } from '../statistics.js';
import { variantNames, type Variant } from './scene.js';

/** For each variant one rate a round, higher is better. */
export type Rates = ReadonlyMap<Variant, readonly number[]>;

/**
 * Measures the variants in turns: A B C, C B A, A B C ... A round of warm-up comes first and is forgotten.
 *
 * @param measure one variant once
 */
export async function inRounds(variants: readonly Variant[], rounds: number, measure: (variant: Variant) => Promise<number>): Promise<Rates> {
  const rates = new Map<Variant, number[]>(variants.map((variant) => [variant, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const variant of orderOf(variants, Math.abs(round))) {
      const rate = await measure(variant);
      if (round >= 0) rates.get(variant)?.push(rate);
    }
  }
  return rates;
}

/** How a variant compares with another one. Pure. */
export function ratioBetween(rates: Rates, variant: Variant, base: Variant): Spread {
  return spreadOf(pairedRatios(rates.get(variant) ?? [], rates.get(base) ?? []));
}

/** How a variant compares with no trigger. Pure. */
export function ratioToNone(rates: Rates, variant: Variant): Spread {
  return ratioBetween(rates, variant, 'none');
}

/** What of our cost is that of any log row, and what is ours? Pure. */
export function costBesideAppend(rates: Rates): string {
  const append = ratioToNone(rates, 'append').median;
  const [idle, following] = [ratioBetween(rates, 'idle', 'append').median, ratioBetween(rates, 'following', 'append').median];
  return `A trigger that only appends is at ${append.toFixed(2)} of no trigger: that is what any log row costs here; `
    + `ours, worker idle, is at ${idle.toFixed(2)} of that, following at ${following.toFixed(2)} of that.`;
}

/** Pure. */
export function ratesTable(rates: Rates, unit: string): string {
  const rows = [...rates.entries()].map(([variant, values]) => [
    variantNames[variant], formatNumber(median(values)), variant === 'none' ? '1' : formatRatio(ratioToNone(rates, variant)),
  ]);
  return renderTable(['on the table', unit, 'ratio to no trigger'], rows);
}
