/** What peers are told who ask about what this peer lends, or gives to them: how it is called, what it consists of, and where its chunks end. */
import { MAX_CHUNKS_BYTES } from '../../wire/swarm-protocol.ts';
import { manifestBytes } from '../manifest.ts';
import type { ContentId, StoredContent } from '../piece-store.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

export interface RepliesOptions {
  /** Null: it is not lent now. */
  lent: (content: ContentId) => StoredContent | null;
  /** Null: this peer is not given it. */
  given: (peer: SwarmPeer, content: ContentId) => StoredContent | null;
  /** Under which content id this file is lent now; null: it is not. */
  named: (sha256: string) => ContentId | null;
}

export class Replies {
  readonly #options: RepliesOptions;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  tellName(peer: SwarmPeer, sha256: string): void {
    peer.send({ kind: 'NAME', sha256, content: peer.answers.take(1) ? this.#options.named(sha256) : null });
  }

  tellManifest(peer: SwarmPeer, content: ContentId): void {
    const { lent, given } = this.#options;
    const stored = peer.answers.take(1) ? (given(peer, content) ?? lent(content)) : null;
    peer.send({ kind: 'MANIFEST', content, bytes: stored === null ? null : manifestBytes(stored.manifest) });
  }

  async tellChunks(peer: SwarmPeer, content: ContentId, from: number): Promise<void> {
    const stored = peer.answers.take(1) ? this.#options.lent(content) : null;
    let packed: Uint8Array | null = null;
    try {
      packed = (await stored?.chunks()) ?? null;
    } catch {
      // Who cannot read them is like one who never made them.
    }
    const bytes = packed?.slice(from, from + MAX_CHUNKS_BYTES) ?? null;
    if (!peer.gone) peer.send({ kind: 'CHUNKS', content, from, bytes });
  }
}
