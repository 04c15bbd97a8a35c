const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** '12 kB', '1.5 GB'. */
export function bytes(count: number): string {
  const power = count < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[power] ?? ''}`;
}
