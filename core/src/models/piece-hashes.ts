/**
 * The hashes of a content's pieces, which its roots cover, and those of pieces that came before them: such a piece is on trial
 * until the last piece of its file comes, or the layer does. Then all of that file's are judged at once.
 */
import { sameBytes } from '../wire/canonical.ts';
import type { Hasher } from './hasher.ts';
import { HASH_BYTES, type Manifest } from './manifest.ts';
import { rootOf } from './merkle.ts';
import type { PieceMap } from './piece-map.ts';

/** `last`: with this piece all of its file are here, and their hashes are the layer: pass it to `cover` once it is kept. */
export type Judged = 'right' | 'wrong' | 'trial' | { last: Uint8Array<ArrayBuffer> };

export class PieceHashes {
  readonly #map: PieceMap;
  readonly #roots: readonly Uint8Array[];
  readonly #hasher: Hasher;
  readonly #layers: (Uint8Array | null)[];
  readonly #trial = new Map<number, Uint8Array>();

  constructor({ files }: Manifest, map: PieceMap, hasher: Hasher) {
    this.#map = map;
    this.#hasher = hasher;
    this.#roots = files.map(({ root }) => root);
    // The root of a file in one piece is the hash of that piece.
    this.#layers = files.map(({ root }, file) => (map.layerBytes(file) === HASH_BYTES ? root : null));
  }

  /** Whether the hashes of all files are here. */
  get complete(): boolean {
    return !this.#layers.includes(null);
  }

  /** Pieces that are here, and that nothing has covered yet. */
  get onTrial(): Iterable<number> {
    return this.#trial.keys();
  }

  /** Takes what somebody kept, all layers one after another, as far as the roots cover it. Null: nothing was kept. */
  read(kept: Uint8Array | null): void {
    for (let file = 0; file < this.#map.files && kept !== null; file++) {
      const at = this.#map.first(file) * HASH_BYTES;
      const layer = kept.slice(at, at + this.#map.layerBytes(file));
      if (this.#layers[file] === null && this.isLayer(file, layer)) this.#layers[file] = layer;
    }
  }

  /** For `read`: zeros where a layer is not here. */
  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#map.count * HASH_BYTES);
    for (const [file, layer] of this.#layers.entries())
      if (layer !== null) all.set(layer, this.#map.first(file) * HASH_BYTES);
    return all;
  }

  /** The hashes of a file's pieces; null: not here yet. */
  layer(file: number): Uint8Array | null {
    return this.#layers[file] ?? null;
  }

  /** Whether the root of this file covers these hashes. A wrong length costs no hashing. */
  isLayer(file: number, layer: Uint8Array): boolean {
    const root = this.#roots[file];
    if (root === undefined || layer.byteLength !== this.#map.layerBytes(file)) return false;
    return sameBytes(rootOf(layer, this.#hasher), root);
  }

  /** `layer`: one that `isLayer`. The pieces that were on trial and are right; those of this file that are not are forgotten. */
  cover(file: number, layer: Uint8Array): number[] {
    this.#layers[file] = layer;
    return this.#release(file)
      .filter(([piece, hash]) => this.isRight(piece, hash))
      .map(([piece]) => piece);
  }

  /** Whether this is the hash of the piece, as far as is known yet. */
  isRight(piece: number, hash: Uint8Array): boolean {
    const known = this.#of(piece);
    return known !== null && sameBytes(known, hash);
  }

  /** Whether this cannot be the hash of the piece. */
  isWrong(piece: number, hash: Uint8Array): boolean {
    const known = this.#of(piece);
    return known !== null && !sameBytes(known, hash);
  }

  /** Whether the hash of the piece is known. */
  knows(piece: number): boolean {
    return this.#of(piece) !== null;
  }

  /** The bytes of a piece were written, and have this hash. `wrong`, with none of its file on trial any more: they were another file. */
  came(piece: number, hash: Uint8Array): Judged {
    if (this.knows(piece)) return this.isRight(piece, hash) ? 'right' : 'wrong';
    this.#trial.set(piece, hash);
    const { file } = this.#map.place(piece);
    const layer = new Uint8Array(this.#map.layerBytes(file));
    for (let one = this.#map.first(file); one < this.#map.end(file); one++) {
      const tried = this.#trial.get(one);
      if (tried === undefined) return 'trial';
      layer.set(tried, this.#map.place(one).index * HASH_BYTES);
    }
    if (this.isLayer(file, layer)) return { last: layer };
    this.#release(file);
    return 'wrong';
  }

  /** Nothing is on trial any more. */
  forgetTrials(): void {
    this.#trial.clear();
  }

  #release(file: number): [number, Uint8Array][] {
    const released = [...this.#trial].filter(([piece]) => this.#map.place(piece).file === file);
    for (const [piece] of released) this.#trial.delete(piece);
    return released;
  }

  #of(piece: number): Uint8Array | null {
    const { file, index } = this.#map.place(piece);
    return this.#layers[file]?.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES) ?? null;
  }
}
