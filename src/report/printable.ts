import stringWidth from 'string-width';

/** Control and formatting characters: a name may hold any of them, and a terminal would obey. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A name or message for a terminal: on one line, with control characters shown as \u{1b}. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Cuts a line that is wider than the terminal, with an ellipsis. */
export function cutToWidth(line: string, width: number): string {
  if (stringWidth(line) <= width) return line;
  let kept = '';
  let used = 1;
  for (const { segment } of new Intl.Segmenter('en').segment(line)) {
    used += stringWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}
