import { beforeEach, describe, expect, it } from 'vitest';
import { signWith } from '../base/ed25519.ts';
import { signCheckpoint } from '../note/checkpoint.ts';
import { noteKey, type NoteSigner } from '../note/key.ts';
import { logOf, someLeaves, type MemoryTiles } from '../testing/memory-tiles.ts';
import { ForkWatch } from './fork-watch.ts';

const never = new AbortController().signal;

function signerOf(byte: number): NoteSigner {
  const { publicKey, sign } = signWith(new Uint8Array(32).fill(byte));
  return { key: noteKey('example.com/log', 'note', publicKey), sign };
}
const signer = signerOf(1);

/** What the log shows to one of two: the leaves differ from `from` on. */
async function face(size: number, from = Infinity, by = signer) {
  const leaves = [...someLeaves(Math.min(size, from)), ...someLeaves(Math.max(0, size - from), 1_000_000)];
  const { tiles, root } = await logOf(leaves);
  return { tiles, note: await signCheckpoint({ origin: 'example.com/log', size, root, extensions: [] }, by, 1) };
}

let shown: MemoryTiles;
let watch: ForkWatch;
beforeEach(() => {
  watch = new ForkWatch({ key: signer.key, fetch: (path) => shown.read(path) });
});

async function showUs(size: number, from?: number) {
  const { tiles, note } = await face(size, from);
  shown = tiles;
  return watch.own(note, never);
}

describe('checkpoints that others were shown', () => {
  it.each([300, 299, 256, 1])('go with ours when they have the same past: %s of 300', async (size) => {
    await showUs(300);
    expect(await watch.heard((await face(size)).note, never)).toBe('same');
  });

  it.each([
    [300, 299],
    [299, 298],
    [200, 0],
  ])('are a fork when they have another past: %s leaves that differ from %s on', async (size, from) => {
    await showUs(300);
    const { note } = await face(size, from);
    expect(await watch.heard(note, never)).toMatchObject({ origin: 'example.com/log', shown: note });
  });

  it('that are further wait until the log shows us as much', async () => {
    await showUs(200);
    expect(await watch.heard((await face(300)).note, never)).toBe('waits');
    const other = (await face(300, 250)).note;
    expect(await watch.heard(other, never)).toBe('waits');
    expect(await showUs(299)).toEqual([]);
    expect(await showUs(301)).toMatchObject([{ shown: other }]);
    expect(await showUs(302)).toEqual([]);
  });

  it('say nothing when the log has not signed them', async () => {
    await showUs(300);
    for (const note of [(await face(300, 0, signerOf(2))).note, 'nonsense', '']) {
      expect(await watch.heard(note, never)).toBe('foreign');
    }
  });

  it('are compared later when the log cannot be read', async () => {
    await showUs(300);
    const { note } = await face(200, 100);
    const files = [...shown.files];
    shown.files.clear();
    expect(await watch.heard(note, never)).toBe('waits');
    for (const [path, bytes] of files) shown.files.set(path, bytes);
    expect(await showUs(301)).toMatchObject([{ shown: note }]);
  });
});

describe('what we are shown', () => {
  it('is a fork when it does not continue what we were shown before', async () => {
    await showUs(300);
    expect(await showUs(301, 200)).toHaveLength(1);
  });

  it('is a fork when it is smaller and another', async () => {
    await showUs(300);
    const { note } = await face(250, 249);
    expect(await watch.own(note, never)).toHaveLength(1);
    expect(await watch.own((await face(250)).note, never)).toEqual([]);
    expect(watch.size).toBe(300);
  });
});
