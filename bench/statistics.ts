/** The middle of some values, and the quarter below and above which a quarter of them lies: how far they scatter. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError when there are no values */
export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** @throws RangeError when there are no values */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which the share `p` (0 to 1) of the values lies, interpolated between neighbours.
 *
 * @throws RangeError when there are no values
 */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * p;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new RangeError('There is no median of no values');
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Each value by the one of the same round. Whatever else the machine does during a round slows both of a pair, and cancels.
 *
 * @throws RangeError when the two do not have a value for each round
 */
export function pairedRatios(values: readonly number[], bases: readonly number[]): number[] {
  if (values.length !== bases.length) throw new RangeError(`${values.length} values cannot be paired with ${bases.length}`);
  return values.map((value, round) => value / (bases[round] ?? NaN));
}

/** The order of a round: each second one runs backwards, so that a drift of the machine favours nobody. */
export function orderOf<T>(items: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? items : [...items].reverse();
}
