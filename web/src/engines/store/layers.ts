/** The hashes of the pieces of files, 32 bytes each: what every piece is compared with. */
import { scriptHasher } from '@llmesh/core/models/hasher';
import { HASH_BYTES, type Manifest } from '@llmesh/core/models/manifest';
import { rootOf } from '@llmesh/core/models/merkle';
import type { PieceMap } from '@llmesh/core/models/piece-map';
import { sameBytes } from '@llmesh/core/wire/canonical';

/** The hashes of each file's pieces, as far as they are here and its root covers them. */
export function layersOf({ files }: Manifest, map: PieceMap, known: Uint8Array | null): (Uint8Array | null)[] {
  return files.map(({ root }, file) => {
    if (map.layerBytes(file) === HASH_BYTES) return root;
    const at = map.first(file) * HASH_BYTES;
    const layer = known?.slice(at, at + map.layerBytes(file));
    if (layer?.byteLength !== map.layerBytes(file)) return null;
    return sameBytes(rootOf(layer, scriptHasher), root) ? layer : null;
  });
}

/** Of the piece at this place in its file. */
export function hashIn(layer: Uint8Array, index: number): Uint8Array {
  return layer.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}
