import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { signWith } from '../base/ed25519.ts';
import { utf8 } from '../base/text.ts';
import { signCheckpoint, type Checkpoint } from '../note/checkpoint.ts';
import { noteKey, writeKey } from '../note/key.ts';
import { NODE_HASHER } from '../node/hasher.ts';
import { consistencyProof, inclusionProof, provesConsistency, provesInclusion, rootOf } from '../tree/proof.ts';
import { TileAppender } from '../tree/tile-appender.ts';
import { readPolicy } from '../witness/policy.ts';
import { LogReader } from './log-reader.ts';
import type { FetchFile, VerifiedTree } from './verified-tree.ts';
import { logOf, MemoryTiles, someLeaves } from '../testing/memory-tiles.ts';

const SIZE = 66_200;
const { publicKey, sign } = signWith(new Uint8Array(32).fill(1));
const key = noteKey('example.com/log', 'note', publicKey);
const policy = readPolicy(utf8(`log ${writeKey(key)}\nquorum none\n`));
const { signal } = new AbortController();
const LEAVES = someLeaves(SIZE);
let tiles: MemoryTiles;
let checkpoint: Checkpoint;

beforeAll(async () => {
  const log = await logOf(LEAVES, NODE_HASHER);
  tiles = log.tiles;
  checkpoint = { origin: key.name, size: SIZE, root: log.root, extensions: [] };
  tiles.files.set('checkpoint', utf8(await signCheckpoint(checkpoint, { key, sign }, 1)));
});

const readerOf = (fetch: FetchFile, maxEntryBytes = 64) =>
  new LogReader({ fetch, policy, maxEntryBytes, hasher: NODE_HASHER });
/** Serves what was written, but for some files. */
const serving =
  (changed: Record<string, Uint8Array | null> = {}): FetchFile =>
  (path) =>
    Promise.resolve(Object.hasOwn(changed, path) ? changed[path]! : (tiles.files.get(path) ?? null));
const honest = readerOf(serving());

async function all(tree: VerifiedTree, from = 0, to = SIZE): Promise<string[]> {
  const read: string[] = [];
  for await (const { index, leaves } of tree.leaves(from, to)) {
    expect(index).toBe(from + read.length);
    for (const leaf of leaves) read.push(new TextDecoder().decode(leaf));
  }
  return read;
}
const told = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `leaf ${from + i}`);

describe('a reader of a log', () => {
  it('reads the checkpoint that the policy believes, and its leaves', async () => {
    const judged = await honest.checkpoint(signal);
    expect(judged).toMatchObject({ checkpoint, final: true });
    const tree = await honest.tree(judged.checkpoint, signal);
    for (const [from, to] of [
      [0, 0],
      [255, 257],
      [256, 512],
      [64_000, SIZE],
      [SIZE, SIZE],
    ] as const) {
      expect(await all(tree, from, to)).toEqual(told(from, to));
    }
    expect(await tree.leaf(65_536)).toEqual(LEAVES[65_536]);
    await expect(tree.leaf(SIZE)).rejects.toThrow(RangeError);
    await expect(all(tree, 5, SIZE + 1)).rejects.toThrow(RangeError);
  });

  it('makes proofs for others', async () => {
    const { hashes } = await honest.tree(checkpoint, signal);
    await fc.assert(
      fc.asyncProperty(fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }), async (index, oldSize) => {
        const proof = await inclusionProof(hashes, index, SIZE);
        const hash = NODE_HASHER.leaf(LEAVES[index]!);
        expect(provesInclusion(proof, { index, size: SIZE, hash, root: checkpoint.root })).toBe(true);
        const oldRoot = await rootOf(hashes, oldSize);
        const consistency = await consistencyProof(hashes, oldSize, SIZE);
        expect(provesConsistency(consistency, { oldSize, oldRoot, size: SIZE, root: checkpoint.root })).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('continues from what it has seen before, and from nothing else', async () => {
    const { root } = await logOf(LEAVES.slice(0, 30_001), NODE_HASHER);
    const seen = { ...checkpoint, size: 30_001, root };
    const tree = await honest.tree(checkpoint, signal, seen);
    expect(await all(tree, 66_100)).toEqual(told(66_100, SIZE));
    for (const other of [
      { ...seen, size: 30_000 },
      { ...seen, root: root.with(0, root[0]! ^ 1) },
      { ...seen, origin: 'example.com/other' },
      { ...seen, size: SIZE + 1 },
    ]) {
      await expect(honest.tree(checkpoint, signal, other)).rejects.toMatchObject({ code: 'inconsistent' });
    }
    expect(await tree.continues({ ...seen, size: 0, root: (await logOf([])).root })).toBe(true);
  });

  it('takes a full tile for a narrower one that is gone', async () => {
    const longer = new MemoryTiles();
    for (const [path, bytes] of tiles.files) longer.files.set(path, bytes);
    const appender = await TileAppender.open(SIZE, longer.read, NODE_HASHER);
    longer.write(appender.append(someLeaves(256, SIZE)));
    expect(longer.files.has('tile/0/258.p/152')).toBe(false);
    const later = readerOf((path) => Promise.resolve(longer.files.get(path) ?? null));
    expect(await all(await later.tree(checkpoint, signal), 66_000)).toEqual(told(66_000, SIZE));
  });

  it('believes no changed file, whichever it is', async () => {
    const paths = [...tiles.files.keys()].filter((path) => path !== 'checkpoint');
    const last = paths.filter((path) => path.includes('.p/'));
    const some = [...last, 'tile/0/000', 'tile/0/200', 'tile/1/000', 'tile/entries/000', 'tile/entries/200'];
    for (const path of some) {
      const bytes = tiles.files.get(path)!;
      for (const changed of [
        bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1),
        bytes.subarray(1),
        Uint8Array.of(...bytes, 0),
        new Uint8Array(),
        new Uint8Array(200_000),
        null,
      ]) {
        const read = (async () => {
          const tree = await readerOf(serving({ [path]: changed })).tree(checkpoint, signal);
          await all(tree, 0, 256);
          await all(tree, 51_200, 51_456);
          await all(tree, 66_048);
        })();
        await expect(read, path).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:malformed|inconsistent|missing)$/),
        });
      }
    }
    expect(some.length).toBeGreaterThan(7);
  });

  it('gives no leaf out that comes after a changed one', async () => {
    const bytes = tiles.files.get('tile/entries/003')!;
    const tree = await readerOf(serving({ 'tile/entries/003': bytes.with(9, 0) })).tree(checkpoint, signal);
    const read: number[] = [];
    await expect(
      (async () => {
        for await (const { index, leaves } of tree.leaves(0, 2_000)) read.push(index + leaves.length);
      })(),
    ).rejects.toMatchObject({ code: 'inconsistent' });
    expect(read).toEqual([256, 512, 768]);
  });

  it('asks for few files at once, and for no more than a leaf may be long', async () => {
    let [open, most] = [0, 0];
    const bounds = new Map<string, number>();
    const counting: FetchFile = async (path, maxBytes) => {
      open += 1;
      most = Math.max(most, open);
      bounds.set(path, maxBytes);
      await Promise.resolve();
      open -= 1;
      return tiles.files.get(path) ?? null;
    };
    const tree = await readerOf(counting).tree(checkpoint, signal);
    await all(tree, 0, 10_000);
    expect(most).toBeLessThan(16);
    expect(bounds.get('tile/0/000')).toBe(8_192);
    expect(bounds.get('tile/entries/000')).toBe(256 * 66);
    // Each was fetched for the leaves asked for, and a few ahead of them.
    expect(bounds.has('tile/entries/050')).toBe(false);
    await expect(all(await readerOf(serving(), 5).tree(checkpoint, signal), 0, 9)).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  it('stops where it is told to, and says what it could not reach', async () => {
    const control = new AbortController();
    const until: FetchFile = (path, _, stop) => {
      stop.throwIfAborted();
      return Promise.resolve(tiles.files.get(path) ?? null);
    };
    const tree = await readerOf(until).tree(checkpoint, control.signal);
    control.abort();
    await expect(all(tree)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(readerOf(serving({ checkpoint: null })).checkpoint(signal)).rejects.toMatchObject({ code: 'missing' });
  });
});
