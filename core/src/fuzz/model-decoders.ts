/** For the fuzzer: what describes models and their pieces. */
import { HASH_BYTES, MAX_CONTENT_BYTES, manifestBytes, readManifest, type ManifestFile } from '../models/manifest.ts';
import { PieceMap } from '../models/piece-map.ts';
import { PieceSet } from '../models/piece-set.ts';
import { Assembly, BLOCK_BYTES, readBlock, writeBlock } from '../models/swarm/link/block.ts';
import { sameBytes } from '../wire/canonical.ts';
import type { FuzzTarget } from './fuzz.ts';
import { refusable } from './refusal.ts';

const hash = (byte: number) => new Uint8Array(HASH_BYTES).fill(byte);
const file = (path: string, sizeBytes: number): ManifestFile => ({ path, sizeBytes, sha256: hash(1), root: hash(2) });
const manifests = [
  { format: 'gguf' as const, files: [file('model.gguf', 12_345_678)] },
  { format: 'mlc' as const, files: [file('mlc-chat-config.json', 900), file('params/shard_0.bin', 40_000_000)] },
  { format: 'adapter' as const, files: [file('adapter.gguf', 1)] },
];
const shards = Array.from({ length: 1_024 }, (_, i) => file(`shard-${i}`, 1_073_741_824));
/** The pieces of the model that bitmaps and blocks are read for. */
const PIECES = 21;

export function modelDecoders(): FuzzTarget[] {
  return [
    {
      name: 'manifests',
      weight: 20,
      seeds: manifests.map(manifestBytes),
      nasty: [
        manifestBytes({ format: 'mlc', files: shards }),
        manifestBytes({ format: 'gguf', files: [file('model.gguf', MAX_CONTENT_BYTES)] }),
        new Uint8Array(262_144).fill(0x91),
      ],
      run: (input) =>
        refusable(() => {
          const manifest = readManifest(input);
          if (manifest === null) return false;
          if (!sameBytes(manifestBytes(manifest), input)) throw new Error('a manifest has two spellings');
          const map = new PieceMap(manifest);
          const last = map.place(map.count - 1);
          if (last.file !== map.files - 1 || last.sizeBytes < 1) throw new Error('the last piece is not the last');
          if (manifest.files.some(({ path }) => /(^|\/)\.|\\|^\/|\/\//.test(path))) throw new Error('a path leads out');
          return true;
        }),
    },
    {
      name: 'bitmaps',
      weight: 10,
      seeds: [new PieceSet(PIECES).bytes(), new Uint8Array([255, 255, 0b1111_1000])],
      nasty: [new Uint8Array(131_072).fill(255)],
      run: (input) => {
        const set = PieceSet.read(PIECES, input);
        if (set === null) return false;
        if (set.count > PIECES || !sameBytes(set.bytes(), input)) throw new Error('a bitmap has two spellings');
        return true;
      },
    },
    {
      name: 'blocks',
      weight: 10,
      seeds: [writeBlock(7, new Uint8Array(10), 0), writeBlock(7, new Uint8Array(2 * BLOCK_BYTES), 0)],
      run: (input) => {
        const block = readBlock(input);
        if (block === null) return false;
        const assembly = new Assembly(block.bytes.byteLength);
        const taken = assembly.add(block);
        if (taken !== (assembly.take() !== null)) throw new Error('a piece is whole without its bytes');
        return taken;
      },
    },
  ];
}
