import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PORTABLE } from '../base/hashing.ts';
import { TileAppender } from '../tree/tile-appender.ts';
import { NODE_HASHER } from './hasher.ts';
import { TileFolder } from './tile-folder.ts';
import { logOf, someLeaves } from '../testing/memory-tiles.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('holds a log as it was written, through every restart', async () => {
  let size = 0;
  for (const portion of [1, 254, 1, 300, 7]) {
    const files = new TileFolder(folder);
    const appender = await TileAppender.open(size, files.read.bind(files), NODE_HASHER);
    await files.write(appender.append(someLeaves(portion, size)));
    size += portion;
  }
  const files = new TileFolder(folder);
  const { tiles, root } = await logOf(someLeaves(size));
  expect((await TileAppender.open(size, files.read.bind(files))).root()).toEqual(root);
  for (const [path, bytes] of tiles.files) expect(new Uint8Array((await files.read(path))!), path).toEqual(bytes);
  // Nothing unfinished lies about, nor a narrow tile that has become full.
  const names = await readdir(folder, { recursive: true });
  expect(names.filter((name) => name.endsWith('.new') || /(?:0|entries)[\\/]000\.p/.test(name))).toEqual([]);
  expect((await stat(join(folder, 'tile/0/000'))).mode & 0o777).toBe(0o600);
});

it('gives out the files of a log, and no others', async () => {
  const files = new TileFolder(folder);
  expect(await files.read('checkpoint')).toBeNull();
  await files.writeCheckpoint('a\n');
  expect(new TextDecoder().decode((await files.read('checkpoint')) ?? undefined)).toBe('a\n');
  for (const path of [
    '../etc/passwd',
    'tile',
    'tile/0',
    'tile/0/../../x',
    'tile/0/000.new',
    '/etc/passwd',
    '',
    'tile/0/000',
  ]) {
    expect(await files.read(path), path).toBeNull();
  }
});

it('hashes in OpenSSL as in JavaScript', () => {
  for (const leaf of [new Uint8Array(), ...someLeaves(3)]) {
    expect(NODE_HASHER.leaf(leaf)).toEqual(PORTABLE.leaf(leaf));
    const hash = PORTABLE.leaf(leaf);
    expect(NODE_HASHER.node(hash, hash)).toEqual(PORTABLE.node(hash, hash));
  }
});

it('says when it could not write, and is done with it then', async () => {
  const files = new TileFolder(folder);
  const growth = (await TileAppender.open(0, files.read.bind(files))).append(someLeaves(600));
  // A folder stands where the third tile has to be.
  await mkdir(join(folder, 'tile/0/002.p/88'), { recursive: true });
  await expect(files.write(growth)).rejects.toThrow(/EISDIR|EPERM|ENOTEMPTY/);
  await rm(join(folder, 'tile/0/002.p/88'), { recursive: true });
  await files.write(growth);
  expect((await TileAppender.open(600, files.read.bind(files))).root()).toEqual(growth.root);
});
