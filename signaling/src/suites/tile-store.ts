/** What every store of tiles must do. `again`: the same one, after a restart. */
import { describe, expect, it } from 'vitest';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { tilePath } from '@llmesh/log/tree/tile';
import { readEntries } from '@llmesh/log/tree/entries';
import type { TileStore } from '../log/tile-store.ts';

const leaf = (i: number) => new TextEncoder().encode(`event ${i}`);
const leaves = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => leaf(from + i));

export function tileStoreSuite(name: string, open: () => Promise<{ store: TileStore; again: () => TileStore }>): void {
  describe(name, () => {
    it('has each tile whole, and narrower ones as the beginning of wider ones', async () => {
      const { store, again } = await open();
      const appender = await TileAppender.open(0, () => Promise.resolve(null));
      await store.write(appender.append(leaves(0, 3)).tiles);
      await store.write(appender.append(leaves(3, 10)).tiles);
      await store.write(appender.append(leaves(10, 600)).tiles);
      for (const one of [store, again()]) {
        for (const [index, width] of [
          [0, 3],
          [0, 256],
          [2, 1],
          [2, 88],
        ] as const) {
          const bundle = await one.read(tilePath({ level: 'entries', index, width }));
          const from = index * 256;
          const texts = readEntries(bundle ?? new Uint8Array(), width)?.map((entry) => Buffer.from(entry).toString());
          expect(texts).toEqual(leaves(from, from + width).map((entry) => Buffer.from(entry).toString()));
          expect(await one.read(tilePath({ level: 0, index, width }))).toHaveLength(32 * width);
        }
        expect(await one.read('tile/1/000.p/2')).toHaveLength(64);
        expect((await TileAppender.open(600, (path) => one.read(path))).root()).toEqual(appender.root());
      }
    });

    it('has nothing that was not written, at no path', async () => {
      const { store } = await open();
      const appender = await TileAppender.open(0, () => Promise.resolve(null));
      await store.write(appender.append(leaves(0, 5)).tiles);
      for (const path of [
        ...['tile/0/000', 'tile/0/000.p/6', 'tile/entries/000', 'tile/entries/000.p/6', 'tile/0/001', 'tile/1/000.p/1'],
        ...[
          '',
          'signed',
          'tile',
          'tile/0',
          'tile/0/../0/000.p/1',
          'tile/0/000.p/1/',
          '../control.key',
          'tile/0/000.p/0',
        ],
      ]) {
        expect(await store.read(path), path).toBeNull();
      }
    });

    it('keeps its notes', async () => {
      const { store, again } = await open();
      expect(await store.readNote('signed')).toBeNull();
      await store.writeNote('signed', 'first\n');
      await store.writeNote('final', 'other\n');
      await store.writeNote('signed', 'a — b\n');
      for (const one of [store, again()]) {
        expect([await one.readNote('signed'), await one.readNote('final')]).toEqual(['a — b\n', 'other\n']);
      }
    });
  });
}
