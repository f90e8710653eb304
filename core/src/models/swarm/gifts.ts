/**
 * What is given to single peers, because a question to them needs it: as long as somebody here says so, whatever the limits of
 * lending are. Nobody else hears of it, and neither does the index of holders.
 */
import type { Channel } from '../../peers/channel.ts';
import type { Manifest } from '../manifest.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** What a peer gives to us alone: see `Gift`. */
export interface TakeRequest {
  content: ContentId;
  /** The peer that gives it. */
  from: Channel;
  /** Where it lies from now on. */
  store: PieceStore;
  /** Whether we want what it says that this consists of. Asked before anything is written. */
  wants: (manifest: Manifest) => boolean;
}

/** Something that single peers get because a question needs it, and nobody else. */
export interface Gift {
  readonly content: ContentId;
  /**
   * The peer at the other end gets it until the returned function is called. Rejects with connect_failed where there is no
   * direct way: a relay carries no files.
   */
  to(channel: Channel, sent: (bytes: number) => void): Promise<() => void>;
  /** Nobody gets it any more. Idempotent. */
  close(): Promise<void>;
}

interface Given {
  stored: StoredContent;
  peer: SwarmPeer;
  sent: (bytes: number) => void;
}

export interface GiftsOptions {
  /** Nothing of it is sent to this peer any more. */
  stopped: (peer: SwarmPeer, content: ContentId) => void;
}

export class Gifts {
  readonly #options: GiftsOptions;
  readonly #given = new Set<Given>();

  constructor(options: GiftsOptions) {
    this.#options = options;
  }

  /** Null: this peer gets nothing of it. */
  get(peer: SwarmPeer, content: ContentId): StoredContent | null {
    return this.#find(peer, content)?.stored ?? null;
  }

  /** The peer gets all of it until the returned function is called. `sent`: hears of bytes on their way. */
  give(peer: SwarmPeer, stored: StoredContent, sent: (bytes: number) => void): () => void {
    const given: Given = { stored, peer, sent };
    const { content } = stored;
    this.#given.add(given);
    if (peer.seeks.has(content)) this.tell(peer, content);
    return () => {
      if (!this.#given.delete(given) || this.#find(peer, content) !== undefined) return;
      this.#options.stopped(peer, content);
      if (peer.seeks.has(content) && !peer.gone) peer.send({ kind: 'HAVE', content, bits: new Uint8Array(0) });
    };
  }

  /** The peer asked what we have of it. False: nothing for it. */
  tell(peer: SwarmPeer, content: ContentId): boolean {
    const stored = this.get(peer, content);
    if (stored === null) return false;
    peer.seeks.set(content, true);
    peer.send({ kind: 'HAVE', content, bits: stored.pieces.full ? null : stored.pieces.bytes() });
    return true;
  }

  sent(peer: SwarmPeer, content: ContentId, bytes: number): void {
    this.#find(peer, content)?.sent(bytes);
  }

  #find(peer: SwarmPeer, content: ContentId): Given | undefined {
    for (const given of this.#given) if (given.peer === peer && given.stored.content === content) return given;
    return undefined;
  }
}
