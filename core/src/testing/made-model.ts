/** For tests: models made on the spot. */
import { randomBytes } from '../base/random-bytes.ts';
import { contentIdOf } from '../models/content-id.ts';
import { scriptHasher } from '../models/hasher.ts';
import { makeManifest, type MadeManifest } from '../models/make-manifest.ts';
import { PieceMap } from '../models/piece-map.ts';
import type { ContentId } from '../models/piece-store.ts';

const never = new AbortController().signal;

/** A model for tests, with its pieces. */
export interface MadeModel extends MadeManifest {
  content: ContentId;
  map: PieceMap;
  piece(number: number): Uint8Array<ArrayBuffer>;
}

export async function makeModel(files: Record<string, Uint8Array<ArrayBuffer>>): Promise<MadeModel> {
  const made = await makeManifest(
    Object.keys(files).length > 1 ? 'mlc' : 'gguf',
    Object.entries(files).map(([path, bytes]) => ({
      path,
      sizeBytes: bytes.byteLength,
      async *read() {
        yield bytes;
      },
    })),
    scriptHasher,
    { signal: never },
  );
  const map = new PieceMap(made.manifest);
  const all = Object.values(files);
  return {
    ...made,
    map,
    content: contentIdOf(made.manifest, scriptHasher),
    piece(number) {
      const { file, offset, sizeBytes } = map.place(number);
      return all[file]?.slice(offset, offset + sizeBytes) ?? new Uint8Array();
    },
  };
}

/** Bytes that no two calls give alike, quickly: 64 KiB of chance, repeated with a counter. */
export function randomFile(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const block = randomBytes(Math.min(65_536, sizeBytes));
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0, turn = 0; at < sizeBytes; at += block.byteLength, turn++) {
    bytes.set(block.subarray(0, Math.min(block.byteLength, sizeBytes - at)), at);
    bytes[at] = turn & 255;
  }
  return bytes;
}
