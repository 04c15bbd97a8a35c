import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const copied = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []).map((path) => path.replace('./', ''));

  it('copies what there is, and what .dockerignore lets in', () => {
    expect(copied).toContain('sql');
    expect(copied.filter((path) => !existsSync(fileURLToPath(new URL(`../../${path}`, import.meta.url))))).toEqual([]);
    const allowed = read('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect([...new Set(copied)].sort()).toEqual(allowed.sort());
  });

  it('makes node the first process, under another user than root', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: { listener: string } };
    expect(lines).toContain(`ENTRYPOINT ["node", "${bin.listener}"]`);
    expect(lines.indexOf('USER node')).toBeGreaterThan(lines.lastIndexOf('FROM node:24-alpine'));
  });
});

describe('fly.toml', () => {
  it('leaves more time than a stop takes, and the signal that begins one', () => {
    const toml = read('fly.toml');
    expect(toml).toMatch(/^kill_signal = 'SIGTERM'$/m);
    expect(Number(/^kill_timeout = (\d+)$/m.exec(toml)?.[1])).toBeGreaterThanOrEqual(25);
    expect(toml).not.toMatch(/^\[\[?(http_service|services)/m);
  });
});
