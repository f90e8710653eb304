import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataFolder } from './data-folder.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'llmesh-data-folder-'));
});
afterAll(() => rmSync(root, { recursive: true }));
const modeOf = (folder: string) => statSync(folder).mode & 0o777;

test('it is made for its owner alone', () => {
  const folder = join(root, 'a', 'b');
  expect(openDataFolder(folder)).toBeNull();
  expect(modeOf(folder)).toBe(0o700);
  expect(openDataFolder(folder)).toBeNull();
});

test.each(['control.key', 'mesh.db', ''])('one of ours that is open to others is closed, with a word: %j', (name) => {
  const folder = mkdtempSync(join(root, 'open'));
  if (name !== '') writeFileSync(join(folder, name), '');
  chmodSync(folder, 0o755);
  expect(openDataFolder(folder)).toMatch(/Only its owner can now/);
  expect(modeOf(folder)).toBe(0o700);
});

test('a folder of other things is left as it is, with a word', () => {
  const folder = mkdtempSync(join(root, 'home'));
  writeFileSync(join(folder, 'letter.txt'), '');
  chmodSync(folder, 0o755);
  expect(openDataFolder(folder)).toMatch(/choose one with --data, or run: chmod 700/);
  expect(modeOf(folder)).toBe(0o755);
  expect(readdirSync(folder)).toEqual(['letter.txt']);
});

test('one that everybody may write to, as /tmp, is never closed', () => {
  const folder = mkdtempSync(join(root, 'tmp'));
  chmodSync(folder, 0o1777);
  expect(openDataFolder(folder)).toMatch(/choose one/);
  expect(modeOf(folder)).toBe(0o777);
});
