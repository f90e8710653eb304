/** What every store of tiles must do. `again`: the same one, after a restart. */
import { describe, expect, it } from 'vitest';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { tilePath } from '@llmesh/log/tree/tile';
import { readEntries } from '@llmesh/log/tree/entries';
import { readTile, type TileStore } from '../log/tile-store.ts';

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `event ${from + i}`);
const leaves = (from: number, to: number) => texts(from, to).map((text) => new TextEncoder().encode(text));
const readNothing = () => Promise.resolve(null);

export function tileStoreSuite(name: string, open: () => Promise<{ store: TileStore; again: () => TileStore }>): void {
  describe(name, () => {
    it('has each tile whole, and what a wider one has replaced as the beginning of that', async () => {
      const { store, again } = await open();
      const appender = await TileAppender.open(0, readNothing);
      await store.write(appender.append(leaves(0, 3)));
      await store.write(appender.append(leaves(3, 10)));
      await store.write(appender.append(leaves(10, 600)));
      for (const one of [store, again()]) {
        for (const [index, width] of [
          [0, 3],
          [0, 256],
          [2, 88],
        ] as const) {
          const bundle = await readTile(one, tilePath({ level: 'entries', index, width }));
          const read = readEntries(bundle ?? new Uint8Array(), width)?.map((entry) => Buffer.from(entry).toString());
          expect(read).toEqual(texts(index * 256, index * 256 + width));
          expect(await readTile(one, tilePath({ level: 0, index, width }))).toHaveLength(32 * width);
        }
        expect(await one.read('tile/1/000.p/2')).toHaveLength(64);
        const continued = await TileAppender.open(600, (path) => readTile(one, path));
        expect(Buffer.from(continued.root()).equals(appender.root())).toBe(true);
      }
    });

    it('has nothing that was not written, at no path', async () => {
      const { store } = await open();
      const appender = await TileAppender.open(0, readNothing);
      await store.write(appender.append(leaves(0, 5)));
      for (const path of [
        ...['tile/0/000', 'tile/0/000.p/6', 'tile/entries/000', 'tile/entries/000.p/6', 'tile/0/001', 'tile/1/000.p/1'],
        ...[
          '',
          'signed',
          'tile',
          'tile/0',
          'tile/0/../0/000.p/5',
          'tile/0/000.p/5/',
          '../control.key',
          'tile/0/000.p/0',
        ],
      ]) {
        expect(await readTile(store, path), path).toBeNull();
      }
    });

    it('keeps its notes', async () => {
      const { store, again } = await open();
      const text = async (one: TileStore, file: string) => Buffer.from((await one.read(file)) ?? []).toString();
      await store.writeCheckpoint('first\n', 'signed');
      await store.writeCheckpoint('other\n', 'checkpoint');
      await store.writeCheckpoint('a — b\n', 'signed');
      for (const one of [store, again()]) {
        expect([await text(one, 'signed'), await text(one, 'checkpoint')]).toEqual(['a — b\n', 'other\n']);
      }
    });
  });
}
