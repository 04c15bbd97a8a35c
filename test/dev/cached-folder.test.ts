import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedFolder } from '../../dev/cached-folder.js';

describe('cachedFolder', () => {
  let parent: string;
  let fillings: number;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'cached-folder-'));
    fillings = 0;
  });

  afterEach(() => rm(parent, { recursive: true }));

  async function fill(folder: string): Promise<void> {
    fillings++;
    await mkdir(join(folder, 'inner'));
    await writeFile(join(folder, 'inner', 'file'), 'content');
  }

  it('fills once and finds again', async () => {
    const folder = await cachedFolder(parent, 'thing', fill);
    expect(await cachedFolder(parent, 'thing', fill)).toBe(folder);
    expect(fillings).toBe(1);
  });

  it('gives all who ask at once the same whole folder and leaves no other', async () => {
    const folders = await Promise.all(Array.from({ length: 8 }, () => cachedFolder(parent, 'thing', fill)));
    expect(new Set(folders).size).toBe(1);
    expect(await readdir(parent)).toHaveLength(1);
    expect(await readFile(join(folders[0] ?? '', 'inner', 'file'), 'utf8')).toBe('content');
  });

  it('leaves nothing of a filling that failed', async () => {
    await expect(cachedFolder(parent, 'thing', () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
    expect(await readdir(parent)).toEqual([]);
  });

  it('replaces a folder that has lost a file', async () => {
    const folder = await cachedFolder(parent, 'thing', fill);
    await rm(join(folder, 'inner', 'file'));
    expect(await cachedFolder(parent, 'thing', fill)).toBe(folder);
    expect(await readFile(join(folder, 'inner', 'file'), 'utf8')).toBe('content');
    expect(await readdir(parent)).toHaveLength(1);
  });

  it('does not trust a folder that others can write to', async () => {
    const folder = await cachedFolder(parent, 'thing', fill);
    await chmod(folder, 0o777);
    await expect(cachedFolder(parent, 'thing', fill)).rejects.toThrow('somebody else made it');
  });

  it('does not trust a link', async () => {
    const folder = await cachedFolder(parent, 'thing', fill);
    await rm(folder, { recursive: true });
    await symlink('/etc', folder);
    await expect(cachedFolder(parent, 'thing', fill)).rejects.toThrow('somebody else made it');
  });
});
