/** Answers those who check whether we still have what we lend: a leaf at a time, with the hashes that prove where it belongs. */
import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { Hasher } from '../hasher.ts';
import { leavesIn, proveLeaf } from '../leaf-path.ts';
import { LEAF_BYTES, PIECE_BYTES } from '../manifest.ts';
import { PieceMap } from '../piece-map.ts';
import type { ContentId, StoredContent } from '../piece-store.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** Each costs us a piece read and hashed. All who ask together get no more: a keeper is checked a few times an hour. */
const RATE = { perSecond: 1, burst: 32 };
/** So many are read at a time. */
const MAX_READING = 2;

export interface LeafProofsOptions {
  clock: Clock;
  hasher: Hasher;
  /** Null: it is not lent now. */
  lent: (content: ContentId) => StoredContent | null;
  lost: (content: ContentId, thrown: unknown) => void;
}

export interface LeafAsked {
  id: number;
  content: ContentId;
  file: number;
  leaf: number;
}

export class LeafProofs {
  readonly #options: LeafProofsOptions;
  readonly #bucket: TokenBucket;
  #reading = 0;

  constructor(options: LeafProofsOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.clock, RATE);
  }

  /** Says that it has none where it cannot be answered now: whoever asked asks again another time. */
  async answer(peer: SwarmPeer, asked: LeafAsked): Promise<void> {
    const stored = this.#options.lent(asked.content);
    const can = stored !== null && this.#reading < MAX_READING && this.#bucket.take(1);
    const proof = can ? await this.#prove(stored, asked) : null;
    if (!peer.gone) peer.send({ kind: 'PROOF', id: asked.id, proof });
  }

  async #prove(stored: StoredContent, { file, leaf }: LeafAsked) {
    const fileBytes = stored.manifest.files[file]?.sizeBytes ?? 0;
    if (leaf >= leavesIn(fileBytes)) return null;
    this.#reading++;
    try {
      const number = new PieceMap(stored.manifest).first(file) + Math.floor((leaf * LEAF_BYTES) / PIECE_BYTES);
      if (!stored.pieces.has(number)) return null;
      const layer = await stored.layer(file);
      if (layer === null) return null;
      return proveLeaf({ piece: await stored.read(number), layer, fileBytes }, leaf, this.#options.hasher);
    } catch (thrown) {
      this.#options.lost(stored.content, thrown);
      return null;
    } finally {
      this.#reading--;
    }
  }
}
