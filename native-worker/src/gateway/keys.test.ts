import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addKey, ownerOf, readKeys } from './keys.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = () => path.join(folder, 'gateway', 'keys');

describe('the keys of a gateway', () => {
  it('do not exist where there is no file', async () => expect(await readKeys(file())).toEqual([]));

  it('open it, each for its owner, and are not in the file', async () => {
    const [ann, bob] = [await addKey(file(), 'ann'), await addKey(file(), 'bob')];
    const keys = await readKeys(file());
    expect([ann, bob, `${ann}x`, ''].map((key) => ownerOf(key, keys)?.name)).toEqual([
      'ann',
      'bob',
      undefined,
      undefined,
    ]);
    expect(readFileSync(file(), 'utf8')).not.toContain(ann);
    expect(ann).toMatch(/^sk-llmesh-[a-z2-7]{32}$/);
    if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('have one name each, and no line break in it', async () => {
    await addKey(file(), 'ann');
    await expect(addKey(file(), 'ann')).rejects.toMatchObject({ code: 'key_unreadable' });
    await expect(addKey(file(), 'a\nb')).rejects.toMatchObject({ code: 'key_unreadable' });
    expect(await readKeys(file())).toHaveLength(1);
  });

  it.runIf(process.platform !== 'win32')('are not taken from a file that others can read', async () => {
    await addKey(file(), 'ann');
    chmodSync(file(), 0o644);
    await expect(readKeys(file())).rejects.toThrow('chmod 600');
  });

  it('are not taken from a file that is something else', async () => {
    const other = path.join(folder, 'other');
    writeFileSync(other, 'sk-llmesh-plain\n', { mode: 0o600 });
    await expect(readKeys(other)).rejects.toThrow('Line 1');
  });
});
