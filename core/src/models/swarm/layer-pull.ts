/** The hashes of a model's pieces, file by file, from whoever has them: what they cover can be taken from anybody. */
import type { PieceMap } from '../piece-map.ts';
import type { PieceSet } from '../piece-set.ts';
import type { StoredContent } from '../piece-store.ts';
import type { Holdings } from './holdings.ts';
import type { SwarmPeer } from './swarm-peer.ts';
import type { WebPull } from './web-pull.ts';

const MAX_LAYERS = 4;

export interface LayerPullOptions {
  stored: StoredContent;
  map: PieceMap;
  holdings: Holdings;
  web: WebPull | null;
  /** What it sent is not what the root covers. */
  ban: (peer: SwarmPeer) => void;
  /** The hashes of this file are here now. */
  covered: (file: number) => void;
  /** Something else may be asked for. */
  changed: () => void;
  /** The store could not keep them. */
  failed: (thrown: unknown) => void;
}

export class LayerPull {
  readonly #options: LayerPullOptions;
  readonly #covered = new Set<number>();
  readonly #asked = new Map<number, SwarmPeer | null>();

  constructor(options: LayerPullOptions) {
    this.#options = options;
  }

  /** How many are on their way. */
  get active(): number {
    return this.#asked.size;
  }

  /** Finds out which are here already. */
  async look(): Promise<void> {
    const { map, stored } = this.#options;
    for (let file = 0; file < map.files; file++) {
      // A file of one piece has its root for it.
      const single = map.end(file) - map.first(file) === 1;
      if (single || (await stored.layer(file)) !== null) this.#covered.add(file);
    }
  }

  covers(file: number): boolean {
    return this.#covered.has(file);
  }

  /** The store found out by itself. */
  cover(file: number): void {
    if (this.#covered.has(file)) return;
    this.#covered.add(file);
    this.#options.covered(file);
  }

  pump(nowMs: number): void {
    const { map, holdings, web } = this.#options;
    if (this.#covered.size === map.files) return;
    const usable = holdings.usable(nowMs);
    for (let file = 0; file < map.files && this.#asked.size < MAX_LAYERS; file++) {
      if (this.#covered.has(file) || this.#asked.has(file)) continue;
      // Whoever has a piece that it can check has the hashes, too.
      const [peer] = usable.find(([, { pieces }]) => this.#hasSome(pieces, file)) ?? [];
      if (peer !== undefined) this.#ask(file, peer);
      else if (web?.hasLayers === true) void this.#askWeb(file, web);
    }
  }

  /** It is gone, stalled or banned. */
  unask(peer: SwarmPeer): void {
    for (const [file, asked] of this.#asked) if (asked === peer) this.#asked.delete(file);
  }

  #ask(file: number, peer: SwarmPeer): void {
    const { stored, map, holdings, ban, changed } = this.#options;
    this.#asked.set(file, peer);
    const done = () => {
      if (this.#asked.get(file) === peer) this.#asked.delete(file);
      changed();
    };
    const { content } = stored;
    peer.ask(content, [
      {
        content,
        what: 'layer',
        number: file,
        sizeBytes: map.layerBytes(file),
        failed: () => {
          for (let piece = map.first(file); piece < map.end(file); piece++) holdings.lacks(peer, piece);
          done();
        },
        got: async (layer) => {
          if (!(await this.#keep(file, layer))) ban(peer);
          done();
        },
      },
    ]);
  }

  async #askWeb(file: number, web: WebPull): Promise<void> {
    this.#asked.set(file, null);
    const layer = await web.layer(file);
    if (layer !== null && !(await this.#keep(file, layer))) web.hasLayers = false;
    this.#asked.delete(file);
    this.#options.changed();
  }

  async #keep(file: number, layer: Uint8Array): Promise<boolean> {
    const { stored, map, failed } = this.#options;
    try {
      if (layer.byteLength !== map.layerBytes(file) || !(await stored.keepLayer(file, layer))) return false;
      this.cover(file);
    } catch (thrown) {
      failed(thrown);
    }
    return true;
  }

  #hasSome(pieces: PieceSet, file: number): boolean {
    const { map } = this.#options;
    for (let piece = map.first(file); piece < map.end(file); piece++) if (pieces.has(piece)) return true;
    return false;
  }
}
