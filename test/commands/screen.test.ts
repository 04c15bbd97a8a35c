import { describe, expect, it } from 'vitest';
import { picture, Screen } from '../../src/commands/screen.js';

const table = ['view', 'a', 'b', 'c', 'd', 'e', 'f', 'g'];

describe('the picture of a round', () => {
  it('is whole where there is room', () => {
    expect(picture('now', ['view', 'a'], ['1 view.'], 80, 24)).toEqual(['now', '', 'view', 'a', '', '1 view.']);
  });

  it.each([4, 5, 6, 8, 10, 12])('is never longer than %i rows, and says what is missing', (rows) => {
    const lines = picture('now', table, ['8 views.', 'one', 'two', 'three'], 80, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    if (rows >= 6) {
      expect(lines.join('\n')).toMatch(/\.\.\. \d more lines: a larger terminal shows them/);
      expect(lines).toContain('8 views.');
    }
  });

  it('counts the lines that it left out', () => {
    expect(picture('now', table, ['8 views.'], 80, 10)).toEqual([
      'now', '', 'view', 'a', 'b', 'c', 'd', '... 3 more lines: a larger terminal shows them', '', '8 views.',
    ]);
  });

  it('cuts lines to the terminal', () => {
    expect(picture('a long heading', [], [], 6, 24)).toEqual(['a lon…', '']);
  });
});

describe('the screen', () => {
  it('draws on the second one, and leaves the first as it was, with the last picture below', () => {
    const written: string[] = [];
    const screen = new Screen({ columns: 10, rows: 5, write: (text) => written.push(text) });
    screen.show('now', ['view', 'a'], []);
    screen.show('later on, then', ['view', 'b'], []);
    screen.close();
    expect(written).toEqual([
      '\u001b[?1049h\u001b[?25l',
      '\u001b[Hnow\u001b[K\n\u001b[K\nview\u001b[K\na\u001b[K\u001b[J',
      '\u001b[Hlater on,…\u001b[K\n\u001b[K\nview\u001b[K\nb\u001b[K\u001b[J',
      '\u001b[?25h\u001b[?1049llater on, then\n\nview\nb\n',
    ]);
  });
});
