/** The hashes of a model's pieces, file by file, from whoever has them: what they cover can be taken from anybody. */
import type { PieceMap } from '../../piece-map.ts';
import type { PieceSet } from '../../piece-set.ts';
import type { StoredContent } from '../../piece-store.ts';
import type { Holdings } from './holdings.ts';
import type { Pending, SwarmPeer } from '../link/swarm-peer.ts';
import type { WebPull } from './web-pull.ts';

const MAX_LAYERS = 4;
/**
 * Without the hashes nothing else can come, and they are a 32,768th of it: asking several costs less than waiting for one that
 * is silent. Whoever has not sent them by then is not waited for.
 */
const [ASKED_AT_ONCE, MAX_ASKED, LATE_MS] = [3, 6, 500];

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

interface Asked {
  peers: Map<SwarmPeer, Pending>;
  web: boolean;
  /** When the last of them was asked. */
  sinceMs: number;
}

export class LayerPull {
  readonly #options: LayerPullOptions;
  readonly #covered = new Set<number>();
  readonly #asked = new Map<number, Asked>();

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
    for (const [peer, pending] of this.#asked.get(file)?.peers ?? []) peer.cancel([pending]);
    this.#asked.delete(file);
    this.#options.covered(file);
  }

  pump(nowMs: number): void {
    const { map, holdings, web } = this.#options;
    if (this.#covered.size === map.files) return;
    const usable = holdings.usable(nowMs);
    for (let file = 0; file < map.files; file++) {
      if (this.#covered.has(file)) continue;
      const asked = this.#asked.get(file);
      if (asked === undefined ? this.#asked.size >= MAX_LAYERS : !mayAskAgain(asked, nowMs)) continue;
      // Whoever has a piece that it can check has the hashes, too.
      const [peer] =
        usable.find(([one, { pieces }]) => asked?.peers.has(one) !== true && this.#hasSome(pieces, file)) ?? [];
      if (peer !== undefined) this.#ask(file, peer, nowMs);
      else if (web?.hasLayers === true && asked?.web !== true) void this.#askWeb(file, web, nowMs);
    }
  }

  /** It is gone, stalled or banned. */
  unask(peer: SwarmPeer): void {
    for (const file of [...this.#asked.keys()]) this.#forget(file, peer);
  }

  #askedOf(file: number, nowMs: number): Asked {
    const asked = this.#asked.get(file) ?? { peers: new Map(), web: false, sinceMs: nowMs };
    asked.sinceMs = nowMs;
    this.#asked.set(file, asked);
    return asked;
  }

  #forget(file: number, peer: SwarmPeer | null): void {
    const asked = this.#asked.get(file);
    if (asked === undefined) return;
    if (peer === null) asked.web = false;
    else asked.peers.delete(peer);
    if (asked.peers.size === 0 && !asked.web) this.#asked.delete(file);
  }

  #ask(file: number, peer: SwarmPeer, nowMs: number): void {
    const { stored, map, holdings, ban, changed } = this.#options;
    const asked = this.#askedOf(file, nowMs);
    const { content } = stored;
    const [pending] = peer.ask(content, [
      {
        content,
        what: 'layer',
        number: file,
        sizeBytes: map.layerBytes(file),
        failed: () => {
          for (let piece = map.first(file); piece < map.end(file); piece++) holdings.lacks(peer, piece);
          this.#forget(file, peer);
          changed();
        },
        got: async (layer) => {
          if (!(await this.#keep(file, layer))) ban(peer);
          this.#forget(file, peer);
          changed();
        },
      },
    ]);
    if (pending !== undefined && !peer.gone) asked.peers.set(peer, pending);
  }

  async #askWeb(file: number, web: WebPull, nowMs: number): Promise<void> {
    this.#askedOf(file, nowMs).web = true;
    const layer = await web.layer(file);
    if (layer !== null && !(await this.#keep(file, layer))) web.hasLayers = false;
    this.#forget(file, null);
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

function mayAskAgain({ peers, sinceMs }: Asked, nowMs: number): boolean {
  return peers.size < ASKED_AT_ONCE || (peers.size < MAX_ASKED && nowMs - sinceMs >= LATE_MS);
}
