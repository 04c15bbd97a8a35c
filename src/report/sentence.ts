/** '1 row', '12 rows', '12,345 rows'. */
export function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : nouns}`;
}

/** 'a', 'a, b', 'a, b, c and 4 more': a line stays a line, however many names there are. */
export function listing(names: readonly string[], max = 3): string {
  if (names.length <= max + 1) return names.join(', ');
  return `${names.slice(0, max).join(', ')} and ${(names.length - max).toLocaleString('en-US')} more`;
}

/** An error's text as part of a sentence: on one line, without its full stop. */
export function clause(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}
