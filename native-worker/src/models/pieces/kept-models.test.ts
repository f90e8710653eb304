import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import { KeptModels } from './kept-models.ts';

const contents = ['ab', 'cd'].map((two) => two.repeat(32) as ContentId);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'llmesh-kept-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('remembers what is here only for others', async () => {
  const kept = await KeptModels.open(folder, 1e9);
  expect(await kept.load()).toEqual([]);
  await kept.save(contents);
  expect(await (await KeptModels.open(folder, 1e9)).load()).toEqual(contents);
  await kept.save([]);
  expect(await kept.load()).toEqual([]);
});

it('says that its file is damaged instead of forgetting what takes room on the disk', async () => {
  await writeFile(path.join(folder, 'keep.json'), '{"version":1,"contents":["../x"]}');
  await expect((await KeptModels.open(folder, 1e9)).load()).rejects.toThrow();
});

it('never has more than a tenth of what is free, and nothing where the owner gives none', async () => {
  const { bavail, bsize } = await statfs(folder);
  expect((await KeptModels.open(folder, 1e6)).roomBytes).toBe(1e6);
  expect((await KeptModels.open(folder, 1e18)).roomBytes).toBeLessThan(0.2 * bavail * bsize);
  expect((await KeptModels.open(folder, 0)).roomBytes).toBe(0);
});
