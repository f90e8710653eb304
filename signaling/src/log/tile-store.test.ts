import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { tileStoreSuite } from '../suites/tile-store.ts';
import { MemoryTiles } from './memory-tiles.ts';

const root = mkdtempSync(path.join(tmpdir(), 'llmesh-tiles-'));
let folders = 0;
const fresh = () => path.join(root, String((folders += 1)), 'log');
afterAll(() => rmSync(root, { recursive: true }));

tileStoreSuite('a folder of tiles', () => {
  const folder = fresh();
  return Promise.resolve({ store: new TileFolder(folder), again: () => new TileFolder(folder) });
});
tileStoreSuite('tiles in memory', () => {
  const store = new MemoryTiles();
  return Promise.resolve({ store, again: () => store });
});

it('only its owner can read the log, and the draft of a crash is in nobody’s way', async () => {
  const folder = fresh();
  const store = new TileFolder(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'signed.new'), 'half', { mode: 0o600 });
  await store.writeCheckpoint('whole\n', 'signed');
  expect(readFileSync(path.join(folder, 'signed'), 'utf8')).toBe('whole\n');
  if (process.platform === 'win32') return;
  expect(statSync(path.join(folder, 'signed')).mode & 0o077).toBe(0);
  expect(statSync(folder).mode & 0o077).toBe(0);
});

it.skipIf(process.platform === 'win32')('follows no link out of its folder', async () => {
  const folder = fresh();
  mkdirSync(path.join(folder, 'tile', '0'), { recursive: true });
  writeFileSync(path.join(root, 'secret'), new Uint8Array(8_192));
  symlinkSync(path.join(root, 'secret'), path.join(folder, 'tile', '0', '000'));
  expect(await new TileFolder(folder).read('tile/0/000')).toBeNull();
});
