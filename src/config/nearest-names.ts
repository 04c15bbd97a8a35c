import { distance } from 'fastest-levenshtein';

/**
 * The candidates that somebody who wrote `wanted` may have meant, the likeliest first; possibly none.
 * Names are compared with and without their schema, and without regard to case and quotes.
 */
export function nearestNames(wanted: string, candidates: readonly string[], max = 3): string[] {
  return [...new Set(candidates)]
    .map((name) => ({ name, score: score(wanted, name) }))
    .filter(({ score }) => score < Infinity)
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, max)
    .map(({ name }) => name);
}

function score(wanted: string, candidate: string): number {
  return Math.min(
    likeness(plain(wanted), plain(candidate)),
    likeness(lastPart(wanted), lastPart(candidate)),
  );
}

/** Edits from one to the other; infinite where no typing error explains the difference. */
function likeness(wanted: string, candidate: string): number {
  if (wanted === '' || candidate === '') return Infinity;
  const edits = distance(wanted, candidate);
  if (edits <= Math.ceil(wanted.length / 3)) return edits;
  if (letters(wanted) === letters(candidate)) return edits;
  // `dashboard` for `mv_dashboard_daily`: a part of the name is remembered, however many letters are missing.
  const contained = wanted.length >= 3 && candidate.includes(wanted);
  return contained ? edits : Infinity;
}

/** Swapped letters are the commonest slip, and two edits each: too many for a short name. */
function letters(name: string): string {
  return Array.from(name).sort().join('');
}

function plain(name: string): string {
  return name.replaceAll('"', '').toLowerCase();
}

function lastPart(name: string): string {
  const match = /(?:"(?:[^"]|"")*"|[^."]+)$/.exec(name);
  return plain(match?.[0] ?? name);
}
