/** The tiny model as a file of the visitor's own, in a stand-in for the file system of a browser; everything else is refused. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { keepModel } from './keep-model.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';

const tiny = new Uint8Array(readFileSync('models/tiny/llmesh-tiny.gguf'));

function setUp() {
  const store = new OpfsPieceStore(new StandInOpfs().root, async () => {});
  const shares: number[] = [];
  const keep = (bytes: Uint8Array<ArrayBuffer>, name = 'mine.gguf') =>
    keepModel(store, { file: new Blob([bytes]), name }, (share) => shares.push(share));
  return { store, keep, shares };
}

/** Another text of the same length in its place. */
function changed(from: string, to: string): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(tiny).indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`The tiny model does not say ${from}.`);
  const bytes = tiny.slice();
  bytes.set(new TextEncoder().encode(to), at);
  return bytes;
}

it('keeps a model whole, and says what its head tells of it', async () => {
  const { store, keep, shares } = setUp();
  const kept = await keep(tiny);
  expect(kept).toMatchObject({ name: 'LLMesh tiny', quant: 'q8', contextTokens: 2048, sizeBytes: tiny.byteLength });
  expect(kept.parameters).toBeGreaterThan(2e6);
  expect(kept.parameters).toBeLessThan(4e6);
  expect(kept.memoryBytes).toBeGreaterThan(tiny.byteLength);
  expect(await store.list()).toMatchObject([
    { content: kept.content, sha256: kept.sha256, format: 'gguf', whole: true, sizeBytes: tiny.byteLength },
  ]);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});

it.each<[string, () => Uint8Array<ArrayBuffer>, RegExp]>([
  ['nothing', () => new Uint8Array(0), /^mine is empty/],
  ['a text', () => new TextEncoder().encode('Be kind to everybody.'), /not a GGUF file.*convert_hf_to_gguf/],
  ['an archive', () => Uint8Array.of(0x50, 0x4b, 3, 4), /PyTorch/],
  ['safetensors', () => Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0x61), /safetensors/],
  ['a file that is cut off', () => tiny.slice(0, 1_000_000), /cut off|too early/],
  ['what is no language model', () => changed('tokenizer.ggml.model', 'tokenizer.ggml.m0del'), /no vocabulary/],
])('refuses %s, and keeps none of it', async (_what, bytes, says) => {
  const { store, keep } = setUp();
  await expect(keep(bytes())).rejects.toMatchObject({ code: 'model_unreadable', message: expect.stringMatching(says) });
  expect(await store.list()).toEqual([]);
});

it('refuses what a browser cannot run before it reads a byte of it', async () => {
  const { store } = setUp();
  const file = { size: 2_100_000_000, slice: () => expect.unreachable('It was read.') } as unknown as Blob;
  await expect(keepModel(store, { file, name: 'big.gguf' }, () => {})).rejects.toMatchObject({
    message: expect.stringMatching(/^big has 2.1 GB, and a browser can run 2 GB/),
  });
});

it('refuses endless counts before it reads for long', async () => {
  const { keep } = setUp();
  const bytes = tiny.slice();
  new DataView(bytes.buffer).setBigUint64(8, 2n ** 60n, true);
  await expect(keep(bytes)).rejects.toMatchObject({ code: 'model_unreadable' });
});
