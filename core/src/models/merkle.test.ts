import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scriptHasher } from './hasher.ts';
import { makeManifest } from './make-manifest.ts';
import { LEAF_BYTES, PIECE_BYTES } from './manifest.ts';
import { pieceHash, piecesIn, rootOf } from './merkle.ts';
import { PieceMap } from './piece-map.ts';
import { PieceSet } from './piece-set.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** BEP 52 as it is written: all leaves of a file, padded with zero hashes to a power of two, then hashed in pairs. */
function rootOfBep52(bytes: Uint8Array): Uint8Array {
  let level: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += LEAF_BYTES) level.push(sha256(bytes.subarray(at, at + LEAF_BYTES)));
  while ((level.length & (level.length - 1)) !== 0) level.push(new Uint8Array(32));
  while (level.length > 1) {
    level = level.flatMap((left, i) => (i % 2 === 0 ? [sha256(Buffer.concat([left, level[i + 1] ?? left]))] : []));
  }
  return level[0] ?? new Uint8Array(32);
}

function ourRoot(bytes: Uint8Array): Uint8Array {
  const layer = Array.from({ length: piecesIn(bytes.byteLength) }, (_, piece) =>
    pieceHash(bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES), bytes.byteLength, scriptHasher),
  );
  return rootOf(Buffer.concat(layer), scriptHasher);
}

it.each([
  1,
  16_383,
  16_384,
  16_385,
  49_153,
  PIECE_BYTES - 1,
  PIECE_BYTES,
  PIECE_BYTES + 1,
  3 * PIECE_BYTES,
  5 * PIECE_BYTES + 77,
])('the root of a file of %i bytes is that of BEP 52', (size) => {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
  expect(Buffer.from(ourRoot(bytes)).toString('hex')).toBe(Buffer.from(rootOfBep52(bytes)).toString('hex'));
});

it.each([
  [50_000, 'a7964e3a651ed0fac37fe45cd0916b31d8300cf94c21ae860e9e4c93fa24e30b'],
  [2_097_251, '6766ba7e69bb66135b4b8fd8aed42813bd3f27bdb7b70ed0ef26e42d0cd2e3e0'],
  [5_242_957, '310082ca6f576a4b900a5001bbb0c9f41b1cd0814e9562e1e4299c2c1031a7a4'],
])('the root of a file of %i bytes is that of its v2 torrent, made by libtorrent 2.0.8', (size, root) => {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
  expect(Buffer.from(ourRoot(bytes)).toString('hex')).toBe(root);
});

it('manifests are the same however a file is read', async () => {
  const bytes = Uint8Array.from({ length: 2 * PIECE_BYTES + 99 }, (_, i) => (i * 7) & 255);
  const made = async (partBytes: number) =>
    makeManifest(
      'gguf',
      [
        {
          path: 'model.gguf',
          sizeBytes: bytes.byteLength,
          async *read() {
            for (let at = 0; at < bytes.byteLength; at += partBytes) yield bytes.subarray(at, at + partBytes);
          },
        },
      ],
      scriptHasher,
      { signal: new AbortController().signal },
    );
  const whole = await made(bytes.byteLength);
  expect(await made(65_537)).toEqual(whole);
  expect(await made(PIECE_BYTES)).toEqual(whole);
  expect(Buffer.from(whole.manifest.files[0]?.sha256 ?? []).toString('hex')).toBe(sha256(bytes).toString('hex'));
  expect(Buffer.from(whole.manifest.files[0]?.root ?? []).toString('hex')).toBe(
    Buffer.from(rootOfBep52(bytes)).toString('hex'),
  );
});

it('a file that changes while it is read makes no manifest', async () => {
  const read = async function* () {
    yield new Uint8Array(10);
  };
  for (const sizeBytes of [9, 11, 0]) {
    const making = makeManifest('gguf', [{ path: 'a', sizeBytes, read }], scriptHasher, {
      signal: new AbortController().signal,
    });
    await expect(making).rejects.toMatchObject({ code: 'model_unreadable' });
  }
});

it('pieces cover every byte of every file once', () => {
  const file = (sizeBytes: number, i: number) => ({
    ...{ path: `f${i}`, sizeBytes, sha256: new Uint8Array(32), root: new Uint8Array(32) },
  });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 * PIECE_BYTES }), { minLength: 1, maxLength: 12 }), (sizes) => {
      const map = new PieceMap({ format: 'mlc', files: sizes.map(file) });
      const ends = sizes.map(() => 0);
      for (let piece = 0; piece < map.count; piece++) {
        const { file: at, offset, sizeBytes, index } = map.place(piece);
        expect(offset).toBe(ends[at]);
        expect(index).toBe(piece - map.first(at));
        expect(sizeBytes).toBeGreaterThan(0);
        ends[at] = offset + sizeBytes;
      }
      expect(ends).toEqual(sizes);
      expect(() => map.place(map.count)).toThrow(RangeError);
    }),
  );
});

it('bitmaps are read as they were written, and only one of each', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.uint8Array({ maxLength: 10 }), (size, bits) => {
      const set = PieceSet.read(size, bits);
      if (set === null) {
        const length = Math.ceil(size / 8);
        const beyond = (bits[length - 1] ?? 0) & (0xff >> (size % 8 || 8));
        expect(bits.byteLength !== length || beyond !== 0).toBe(true);
        return;
      }
      expect([...set.bytes()]).toEqual([...bits]);
      let count = 0;
      for (let piece = 0; piece < size; piece++) if (set.has(piece)) count++;
      expect(set.count).toBe(count);
    }),
  );
});
