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

/** How a variant compares with no trigger. Pure. */
export function ratioToNone(rates: Rates, variant: Variant): Spread {
  return spreadOf(pairedRatios(rates.get(variant) ?? [], rates.get('none') ?? []));
}

/** Pure. */
export function ratesTable(rates: Rates, unit: string): string {
  const rows = [...rates.entries()].map(([variant, values]) => [
    variantNames[variant], formatNumber(median(values)), variant === 'none' ? '1' : formatRatio(ratioToNone(rates, variant)),
  ]);
  return renderTable(['on the table', unit, 'ratio to no trigger'], rows);
}
