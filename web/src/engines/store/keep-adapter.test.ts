/** Files of the visitor's own, in a stand-in for the file system of a browser: adapters are kept, everything else is refused. */
import { expect, it } from 'vitest';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import type { MeshError } from '@llmesh/core/base/errors';
import { storageFull } from '../common/room.ts';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { plainName } from '@llmesh/core/gguf/own-file';
import { keepAdapter } from './keep-adapter.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';

interface Made {
  rank?: number;
  width?: number;
  says?: Record<string, string>;
  last?: number;
}

/** One matrix of the first layer, as `convert_lora_to_gguf.py` writes it. */
function adapter({ rank = 4, width = 256, says = {}, last = 0.5 }: Made = {}): Uint8Array<ArrayBuffer> {
  const head: number[] = [];
  const u32 = (n: number) => head.push(...new Uint8Array(new Uint32Array([n]).buffer));
  const u64 = (n: number) => head.push(...new Uint8Array(new BigUint64Array([BigInt(n)]).buffer));
  const text = (words: string) => {
    u64(words.length);
    head.push(...new TextEncoder().encode(words));
  };
  const fields = Object.entries({
    ...{ 'general.type': 'adapter', 'general.architecture': 'llama', 'general.name': 'Law', 'adapter.type': 'lora' },
    ...says,
  });
  head.push(...new TextEncoder().encode('GGUF'));
  u32(3);
  u64(2);
  u64(fields.length);
  for (const [key, value] of fields) {
    text(key);
    u32(8);
    text(value);
  }
  for (const [half, shape, offset] of [
    ['a', [width, rank], 0],
    ['b', [rank, width], 4 * width * rank],
  ] as const) {
    text(`blk.0.attn_q.weight.lora_${half}`);
    u32(2);
    for (const size of shape) u64(size);
    u32(0);
    u64(offset);
  }
  const start = Math.ceil(head.length / 32) * 32;
  const bytes = new Uint8Array(start + 8 * width * rank);
  bytes.set(head);
  new DataView(bytes.buffer).setFloat32(bytes.byteLength - 4, last, true);
  return bytes;
}

function setUp(roomBytes = Infinity) {
  const opfs = new StandInOpfs();
  const store = new OpfsPieceStore(opfs.root, async (bytes) => {
    if (bytes > roomBytes) throw storageFull();
  });
  const shares: number[] = [];
  const keep = (bytes: Uint8Array<ArrayBuffer>, name = 'law.gguf') =>
    keepAdapter(store, { file: new Blob([bytes]), name }, (share) => shares.push(share));
  return { store, keep, shares };
}

it('keeps an adapter whole, says what it is made for, and how far it is', async () => {
  const { store, keep, shares } = setUp();
  const bytes = adapter({ rank: 600 });
  expect(bytes.byteLength).toBeGreaterThan(PIECE_BYTES);
  const kept = await keep(bytes);
  expect(kept).toMatchObject({
    ...{ name: 'Law', sizeBytes: bytes.byteLength },
    lora: { architecture: 'llama', rank: 600, width: 256, layers: 1 },
  });
  expect(await store.list()).toMatchObject([
    { content: kept.content, sha256: kept.sha256, format: 'adapter', whole: true, sizeBytes: bytes.byteLength },
  ]);
  const stored = await store.open(kept.content);
  expect(await stored?.read(1)).toEqual(bytes.slice(PIECE_BYTES, 2 * PIECE_BYTES));
  await stored?.close();
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  // Once more it is the same.
  expect(await keep(bytes, 'other.gguf')).toMatchObject({ content: kept.content });
});

it.each<[string, () => Uint8Array<ArrayBuffer>, RegExp]>([
  ['nothing', () => new Uint8Array(0), /^law is empty/],
  ['more than 50 MB', () => new Uint8Array(50_000_001), /^law has 51 MB, and an adapter may have 50 MB/],
  ['a text', () => new TextEncoder().encode('Be kind to everybody.'), /not a GGUF file.*convert_lora_to_gguf/],
  ['an archive', () => Uint8Array.of(0x50, 0x4b, 3, 4), /PyTorch/],
  ['settings', () => new TextEncoder().encode('{"r": 8}'), /settings/],
  ['safetensors', () => Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0x61), /safetensors/],
  ['one that is cut off', () => adapter().slice(0, 2_000), /cut off/],
  ['one that ends in its head', () => adapter().slice(0, 90), /ends too early/],
  ['a whole model', () => adapter({ says: { 'general.type': 'model' } }), /whole model/],
  ['another kind of adapter', () => adapter({ says: { 'adapter.type': 'ia3' } }), /not a LoRA/],
  ['what is no number', () => adapter({ last: NaN }), /numbers in it that are none/],
  ['what has no end', () => adapter({ last: -Infinity }), /numbers in it that are none/],
])('refuses %s, and keeps none of it', async (_what, bytes, says) => {
  const { store, keep } = setUp();
  await expect(keep(bytes())).rejects.toMatchObject({ code: 'model_unreadable', message: expect.stringMatching(says) });
  expect(await store.list()).toEqual([]);
});

it('refuses endless counts before it reads for long', async () => {
  const { keep } = setUp();
  const bytes = adapter();
  new DataView(bytes.buffer).setBigUint64(8, 2n ** 60n, true);
  await expect(keep(bytes)).rejects.toMatchObject({ code: 'model_unreadable' });
});

it('says so when there is no room', async () => {
  const { store, keep } = setUp(1_000);
  const error = await keep(adapter()).catch((thrown: MeshError) => thrown);
  expect(error).toMatchObject({ code: 'storage_full' });
  expect(await store.list()).toEqual([]);
});

it.each([
  ['law.gguf', 'law'],
  ['../../etc/passwd.gguf', 'passwd'],
  ['C:\\adapters\\law.GGUF', 'law'],
  ['\u202Efgug.wal', 'fgug.wal'],
  ['law\u0000\n.gguf', 'law'],
  [`${'l'.repeat(500)}.gguf`, 'l'.repeat(60)],
  ['法律.gguf', '法律'],
])('%j is shown as %j', (called, shown) => {
  expect(plainName(called)).toBe(shown);
});
