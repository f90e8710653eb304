import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT } from '../base/hashing.ts';
import { rootOf } from './proof.ts';
import { TileAppender } from './tile-appender.ts';
import { edgeTiles, tilePath } from './tile.ts';
import { logOf, MemoryTiles, someLeaves } from '../testing/memory-tiles.ts';
import { treeHash } from '../testing/oracle.ts';

const LEAVES = someLeaves(1_200);

describe('a log of tiles', () => {
  it('has the same tiles and root, in whatever portions it was written, opened anew before each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(400), { maxLength: 6 }), async (portions) => {
        const tiles = new MemoryTiles();
        let size = 0;
        for (const portion of portions) {
          const appender = await TileAppender.open(size, tiles.read);
          const leaves = LEAVES.slice(size, size + portion);
          size += leaves.length;
          const growth = appender.append(leaves);
          expect(growth.size).toBe(size);
          tiles.write(growth);
        }
        const { tiles: atOnce, root } = await logOf(LEAVES.slice(0, size));
        expect((await TileAppender.open(size, tiles.read)).root()).toEqual(root);
        expect(root).toEqual(treeHash(LEAVES.slice(0, size)));
        // What was written earlier of a tile that has grown may still lie there.
        for (const [path, bytes] of atOnce.files) expect(tiles.files.get(path), path).toEqual(bytes);
        expect(await rootOf(tiles.source(size), size)).toEqual(root);
      }),
      { numRuns: 10 },
    );
  });

  it('writes a tile at most once for each portion, and none that has not changed', async () => {
    const tiles = new MemoryTiles();
    const appender = await TileAppender.open(0, tiles.read);
    expect(appender.append([])).toEqual({ size: 0, root: EMPTY_ROOT, tiles: [] });
    const paths = (count: number, from: number) =>
      appender.append(someLeaves(count, from)).tiles.map(({ tile }) => tilePath(tile));
    expect(paths(255, 0)).toEqual(['tile/0/000.p/255', 'tile/entries/000.p/255']);
    expect(paths(1, 255)).toEqual(['tile/0/000', 'tile/entries/000', 'tile/1/000.p/1']);
    expect(paths(1, 256)).toEqual(['tile/0/001.p/1', 'tile/entries/001.p/1']);
    expect(paths(511, 257).sort()).toEqual(
      ['tile/0/001', 'tile/0/002', 'tile/1/000.p/3', 'tile/entries/001', 'tile/entries/002'].sort(),
    );
  });

  it('is not continued where a tile is missing or damaged', async () => {
    const { tiles } = await logOf(LEAVES.slice(0, 700));
    const partial = [...edgeTiles(700).map(tilePath), 'tile/entries/002.p/188'];
    expect(partial).toHaveLength(3);
    for (const path of partial) {
      const bytes = tiles.files.get(path)!;
      for (const broken of [undefined, bytes.subarray(1), Uint8Array.of(...bytes, 0)]) {
        if (broken === undefined) tiles.files.delete(path);
        else tiles.files.set(path, broken);
        await expect(TileAppender.open(700, tiles.read), path).rejects.toMatchObject({ code: 'damaged' });
      }
      tiles.files.set(path, bytes);
    }
    await expect(TileAppender.open(701, tiles.read)).rejects.toMatchObject({ code: 'damaged' });
  });

  it('takes no leaf that the format has no room for, nor those beside it', async () => {
    const appender = await TileAppender.open(0, new MemoryTiles().read);
    expect(() => appender.append([new Uint8Array(3), new Uint8Array(65_536)])).toThrow(RangeError);
    expect(appender.size).toBe(0);
  });
});
