import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isGroup, type Command } from '../../src/commands/command.js';
import { commands } from '../../src/commands/index.js';
import { environmentNames, isOptionName, optionNames, options } from '../../src/config/options.js';
import { eventNames } from '../../src/report/event-level.js';

const root = new URL('../../', import.meta.url);
const docs = readdirSync(new URL('docs', root)).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', ...docs];
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Code of a page: spans, and the lines of indented and fenced blocks. */
function codeOf(path: string): string[] {
  const text = read(path);
  const fenced = [...text.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
  const prose = text.replace(/^```\w*\n.*?^```$/gms, '');
  const indented = prose.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.trim());
  return [...fenced, ...indented, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span.trim())];
}

/** Lines that call another program, whose options are its own. */
const otherProgram = /^\$?\s*(heroku|fly|docker|npm|npx vitest|pg_dump|pg_restore|psql|git)\b/;
/** Options of other programs that are named by themselves. */
const foreign = ['data-only'];
const optionIn = /(?<![\w-])--([a-z][a-z-]*)/g;

const isKnownOption = (name: string): boolean =>
  isOptionName(name) || ['help', 'version', ...foreign].includes(name) || (name.startsWith('no-') && optionNames.some((one) => `no-${one}` === name && options[one].type.name === 'switch'));

/** What follows `listener` in a line that calls it, up to a redirection, a pipe or a remark. */
function callsOf(path: string): string[][] {
  return codeOf(path).flatMap((code) => {
    const call = /^(?:\$ |\w+: |npx |(?:[A-Z_]+=\S+ )*)*(?:node_modules\/\.bin\/)?listener(?:$|\s+(?=[-a-z])(.*))/.exec(code)?.[1];
    return call === undefined ? [] : [call.replace(/\s(?:>|\||#|in the |\s).*$/, '').split(/\s+/)];
  });
}

/** The command that a call means. */
function commandOf([first = '', second = '']: readonly string[]): Command | undefined {
  if (first.startsWith('-')) return commands.flatMap((entry) => (isGroup(entry) ? [] : [entry]))[0];
  const entry = commands.find(({ name }) => name === first);
  if (entry === undefined || !isGroup(entry)) return entry;
  return entry.commands.find(({ name }) => name === `${first} ${second}`);
}

describe.each(pages)('%s', (page) => {
  it('names options that exist, and no others', () => {
    const named = codeOf(page).filter((code) => !otherProgram.test(code)).flatMap((code) => [...code.matchAll(optionIn)].map(([, name = '']) => name));
    expect(named.filter((name) => !isKnownOption(name))).toEqual([]);
  });

  it('calls commands that exist, each with options that it takes', () => {
    for (const words of callsOf(page)) {
      const call = words.join(' ');
      if (['completion', 'help'].includes(words[0] ?? '')) continue;
      const command = commandOf(words);
      expect(command, call).toBeDefined();
      for (const [, name = ''] of call.matchAll(optionIn)) {
        expect([...(command?.options ?? []), 'help'], call).toContain(name.startsWith('no-') ? name.slice(3) : name);
      }
    }
  });

  it('names variables that are read', () => {
    const known = optionNames.flatMap(environmentNames);
    const named = [...read(page).matchAll(/\bLISTENER_[A-Z_]*[A-Z]/g)].map(([name]) => name);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('names events that exist', () => {
    const families = new Set(eventNames.filter((name) => name.includes('.')).map((name) => name.split('.')[0]));
    const named = codeOf(page).filter((code) => /^[a-z]+\.[a-z]+$/.test(code) && families.has(code.split('.')[0]) && !/\.(sql|ts|md)$/.test(code));
    expect(named.filter((name) => !(eventNames as readonly string[]).includes(name))).toEqual([]);
  });

  it('links to files that are there', () => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(new URL(link, new URL(page, root))))).toEqual([]);
  });

  it('names measures that the results have', () => {
    const measured = [...read('bench/RESULTS.md').matchAll(/^<!-- measure: (\S+) -->$/gm)].map(([, name = '']) => name);
    const named = [...read(page).matchAll(/npm run bench -- --only (\S+?)`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !measured.includes(name))).toEqual([]);
  });
});

describe('the pages of docs/', () => {
  it('can all be found from the README, at most over the entry page', () => {
    const linked = (page: string): string[] =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link = '']) => new URL(link, new URL(page, root)).pathname.slice(root.pathname.length));
    const found = new Set([...linked('README.md'), ...linked('docs/deploy.md')]);
    expect(linked('README.md')).toContain('docs/deploy.md');
    expect(docs.filter((page) => page !== 'docs/deploy.md' && !found.has(page))).toEqual([]);
  });

  it.each(['heroku', 'fly', 'rds', 'supabase', 'neon'])('of %s ends with what it rests on, and is short', (name) => {
    const lines = read(`docs/${name}.md`).trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/^Rests on: (<https:\/\/\S+>(, |\.$))+$/);
    expect(lines.length).toBeLessThanOrEqual(45);
  });
});
