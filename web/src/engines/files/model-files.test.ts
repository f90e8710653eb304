// @vitest-environment node
/** What every place for files of models must do. IndexedDB is tried in real browsers: `e2e/tests/doors.test.ts`. */
import { describe, expect, it } from 'vitest';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { MemoryFiles } from './memory-files.ts';
import type { ModelFiles } from './model-files.ts';
import { OpfsFiles } from './opfs-files.ts';

const bytes = (...values: number[]) => new Uint8Array(values);

async function contentOf(files: ModelFiles, name: string): Promise<number[] | null> {
  const blob = await (await files.find(name))?.open();
  return blob === undefined ? null : [...new Uint8Array(await blob.arrayBuffer())];
}

for (const [place, make] of [
  ['the file system', () => new OpfsFiles(new StandInOpfs().root)],
  ['memory', () => new MemoryFiles()],
] as [string, () => ModelFiles][]) {
  describe(`files of models in ${place}`, () => {
    it('are begun, gone on with, whole, and removed', async () => {
      const files = make();
      expect(await files.find('a')).toBeNull();
      const first = await files.begin('a');
      await first.append(bytes(1, 2));
      await first.close();
      expect(await files.find('a')).toMatchObject({ bytes: 2, whole: false });
      const second = await files.begin('a');
      expect(second.bytes).toBe(2);
      await second.append(bytes(3));
      await second.close();
      await files.complete('a');
      expect(await files.find('a')).toMatchObject({ bytes: 3, whole: true });
      expect(await contentOf(files, 'a')).toEqual([1, 2, 3]);
      expect(await files.find('b')).toBeNull();
      await files.remove('a');
      await files.remove('a');
      expect(await files.find('a')).toBeNull();
    });

    it('are begun anew', async () => {
      const files = make();
      const file = await files.begin('a');
      await file.append(bytes(1, 2, 3));
      await file.restart();
      await file.append(bytes(4));
      await file.close();
      expect(await contentOf(files, 'a')).toEqual([4]);
    });

    it('are let go of after a failure', async () => {
      const files = make();
      const file = await files.begin('a');
      await file.append(bytes(1));
      file.abandon();
      file.abandon();
      await files.remove('a');
      expect(await files.find('a')).toBeNull();
    });
  });
}

describe('files of models in the file system', () => {
  it('are written by one tab at a time, and not removed meanwhile', async () => {
    const files = new OpfsFiles(new StandInOpfs().root);
    const file = await files.begin('a');
    await expect(files.begin('a')).rejects.toMatchObject({ code: 'busy' });
    await expect(files.remove('a')).rejects.toMatchObject({ code: 'busy' });
    await file.close();
    await files.remove('a');
  });

  it.each([
    ['throws', null, 'QuotaExceededError'],
    ['writes nothing', 0, 'QuotaExceededError'],
    ['returns the error of Chromium as a number', 4_294_967_288, 'QuotaExceededError'],
    ['returns another error of Chromium', 4_294_967_280, 'NotReadableError'],
  ])('say that a disk is full which %s, after a part of what was written', async (_, full, name) => {
    const opfs = new StandInOpfs();
    Object.assign(opfs, { roomBytes: 2, full });
    const file = await new OpfsFiles(opfs.root).begin('a');
    await expect(file.append(bytes(1, 2, 3))).rejects.toMatchObject({ name });
    expect(file.bytes).toBe(2);
  });
});
