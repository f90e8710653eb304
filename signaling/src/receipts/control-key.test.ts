import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openControlKey } from './control-key.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-control-key-'));
});
afterAll(() => rm(root, { recursive: true }));

const unusable = expect.objectContaining({ code: 'identity_unusable' });

it('is made once, for its owner’s eyes, and is the same ever after', async () => {
  const folder = join(root, 'a', 'b');
  const made = await Promise.all(Array.from({ length: 8 }, () => openControlKey(folder)));
  expect(new Set(made.map(({ peerId }) => peerId)).size).toBe(1);
  expect((await openControlKey(folder)).peerId).toBe(made[0]?.peerId);
  expect((await stat(join(folder, 'control.key'))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['control.key']);
});

it('without a folder is another each time', async () => {
  expect((await openControlKey(null)).peerId).not.toBe((await openControlKey(null)).peerId);
});

it('is not used when others can read it', async () => {
  const folder = join(root, 'open');
  await openControlKey(folder);
  await chmod(join(folder, 'control.key'), 0o640);
  await expect(openControlKey(folder)).rejects.toEqual(unusable);
});

it.each(['', 'x', `${'0'.repeat(64)}0\n`, `${'z'.repeat(64)}\n`])(
  'is not replaced when it is damaged: %j',
  async (text) => {
    const folder = await mkdtemp(join(root, 'damaged'));
    await writeFile(join(folder, 'control.key'), text, { mode: 0o600 });
    await expect(openControlKey(folder)).rejects.toEqual(unusable);
  },
);

it.each<[string, (file: string) => unknown]>([
  ['a pipe', (file) => execFileSync('mkfifo', ['-m', '600', file])],
  ['a symbolic link', (file) => symlink(join(root, 'elsewhere'), file)],
  ['a folder', (file) => mkdir(file)],
])('is not waited for, followed or replaced where it is %s', async (what, make) => {
  const folder = await mkdtemp(join(root, 'odd'));
  await make(join(folder, 'control.key'));
  await expect(openControlKey(folder)).rejects.toThrow(`control.key is ${what} and not a file. Move it away`);
});

it('says what to do when the folder is none', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await expect(openControlKey(file)).rejects.toThrow(/--data/);
});
