/** Splits at commas, except inside double quotes, where SQL allows them in a name. Empty items are left out. */
export function splitNames(text: string): string[] {
  const items = text.match(/(?:"[^"]*(?:"|$)|[^",])+/g) ?? [];
  return items.map((item) => item.trim()).filter((item) => item !== '');
}
