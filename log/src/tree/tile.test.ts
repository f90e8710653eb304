import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxBundleBytes, readEntries, writeEntries } from './entries.ts';
import { edgeTiles, readTilePath, tileAt, tilePath } from './tile.ts';

describe('the path of a tile', () => {
  it.each([
    // C2SP tlog-tiles, and Go's tests without the height that is not in these paths.
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, index: 1, width: 256 }, 'tile/0/001'],
    [{ level: 0, index: 1, width: 5 }, 'tile/0/001.p/5'],
    [{ level: 5, index: 123_456_078, width: 256 }, 'tile/5/x123/x456/078'],
    [{ level: 5, index: 123_456_078, width: 2 }, 'tile/5/x123/x456/078.p/2'],
    [{ level: 'entries', index: 3_057_500, width: 256 }, 'tile/entries/x003/x057/500'],
    [{ level: 63, index: 0, width: 255 }, 'tile/63/000.p/255'],
  ] as const)('%j is %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(readTilePath(path)).toEqual(tile);
  });

  it.each([
    'tile/5/123/456/078',
    'tile/-1/x123/x456/078',
    'tile/64/000',
    'tile/00/000',
    'tile/0/0',
    'tile/0/x000/001',
    'tile/0/x001',
    'tile/0/001.p/0',
    'tile/0/001.p/256',
    'tile/0/001.p/05',
    'tile/0/001.p/',
    'tile/0/../../mesh.db',
    'tile/0/001/',
    '/tile/0/001',
    'tile/0/001\n',
    'tile/data/001',
    'tile/entries/000.p/999',
    `tile/0/${'x999/'.repeat(5)}999`,
    `tile/0/${'x001/'.repeat(50)}001`,
    'tile/0/٠٠١',
    'checkpoint',
    '',
  ])('%j is none', (path) => {
    expect(readTilePath(path)).toBeNull();
  });

  it('is one to one', () => {
    fc.assert(
      fc.property(fc.nat(63), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(readTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
      }),
    );
  });
});

describe('the tiles of a tree', () => {
  it('are those of the specification for 70,000 leaves', () => {
    expect(edgeTiles(70_000)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(edgeTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
    expect(edgeTiles(0)).toEqual([]);
    expect(edgeTiles(Number.MAX_SAFE_INTEGER).map(({ level }) => level)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('end where the tree ends', () => {
    expect(tileAt(0, 69_999, 70_000)).toEqual({ level: 0, index: 273, width: 112 });
    expect(tileAt('entries', 255, 70_000)).toEqual({ level: 'entries', index: 0, width: 256 });
    for (const [level, position] of [
      [0, 70_000],
      [0, -1],
      [3, 0],
      [63, 0],
    ] as const) {
      expect(tileAt(level, position, 70_000)).toBeNull();
    }
  });
});

describe('a bundle of entries', () => {
  it('has each leaf after its length', () => {
    expect(writeEntries([new Uint8Array(258)]).subarray(0, 2)).toEqual(Uint8Array.of(1, 2));
    expect(() => writeEntries([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(maxBundleBytes(10)).toBe(3_072);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (leaves) => {
        const bundle = writeEntries(leaves);
        expect(readEntries(bundle, leaves.length)).toEqual(leaves);
        expect(readEntries(bundle, leaves.length + 1)).toBeNull();
        expect(readEntries(Uint8Array.of(...bundle, 0), leaves.length)).toBeNull();
        if (leaves.length > 0) expect(readEntries(bundle, leaves.length - 1)).toBeNull();
        if (leaves.length > 0) expect(readEntries(bundle.subarray(0, -1), leaves.length)).toBeNull();
      }),
    );
    expect(readEntries(writeEntries([new Uint8Array(11)]), 1, 10)).toBeNull();
  });
});
