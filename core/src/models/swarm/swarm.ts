/**
 * Models from peers: fetches what this peer wants from everybody who has some of it, and lends what its owner chose to lend.
 * Every byte is checked, whoever it came from. The messages are those of `protocol.ts`; pieces travel on the bulk lane.
 */
import type { Clock } from '../../base/clock.ts';
import { asMeshError, cancelled, MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Channel } from '../../peers/channel.ts';
import type { SwarmMessage } from '../../wire/swarm-protocol.ts';
import type { Hasher } from '../hasher.ts';
import type { LeafProof } from '../leaf-path.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { FetchProgress, FetchRequest, HolderIndex, SeedLimits, SwarmFigures } from '../swarm-port.ts';
import { Fetches } from './fetches.ts';
import { Gifts, type Gift, type TakeRequest } from './gifts.ts';
import { LeafProofs } from './leaf-proofs.ts';
import { Lending } from './lending.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';
import { noWayTo } from './pull/swarm-errors.ts';
import { Replies } from './replies.ts';
import { checkStorage, UNREACHABLE, type StorageCheckOptions, type StorageFinding } from './storage-check.ts';
import { SwarmPeers } from './swarm-peers.ts';
import { Uploads } from './uploads.ts';

export interface SwarmOptions {
  self: PeerId;
  store: PieceStore;
  holders: HolderIndex;
  hasher: Hasher;
  /** Read before every block that is sent. */
  limits: () => SeedLimits;
  /** What was sent before, on the day (UTC) that `now` says; for limits that hold over a restart. Left out: nothing. */
  sentToday?: number;
  /** Something about a model went wrong that no caller waits for, as a disk that loses bytes while they are lent. */
  failed?: (error: MeshError) => void;
  /** The channel to a peer, dialled when there is none. Rejects with connect_failed or cancelled. */
  connect: (peer: PeerId, signal: AbortSignal) => Promise<Channel>;
  /** Ours, for anonymous peers that fetch from us; null: they cannot connect. */
  certificate: string | null;
  /** Learns a certificate that anonymous peers need before they can connect. */
  learn: (peer: PeerId, certificate: string) => void;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  random: () => number;
}

export interface FetchOptions {
  signal: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
}

export class Swarm {
  readonly #options: SwarmOptions;
  readonly #peers: SwarmPeers;
  readonly #fetches: Fetches;
  readonly #uploads: Uploads;
  readonly #lending: Lending;
  readonly #proofs: LeafProofs;
  readonly #replies: Replies;
  readonly #gifts: Gifts;
  readonly #closing = new AbortController();

  constructor(options: SwarmOptions) {
    this.#options = options;
    const { clock, now, limits, store, holders, sentToday = 0 } = options;
    this.#peers = new SwarmPeers({ ...options, met: (peer) => this.#fetches.met(peer) });
    this.#uploads = new Uploads({
      ...{ clock, now, limits, sentToday },
      lent: (content) => this.#lending.get(content),
      given: (peer, content) => this.#gifts.get(peer, content),
      sent: (peer, content, bytes) => this.#gifts.sent(peer, content, bytes),
      lost: (content, thrown) => this.#lost(content, thrown),
    });
    const lent = (content: ContentId) => (this.#uploads.allowed ? this.#lending.get(content) : null);
    this.#replies = new Replies({
      lent,
      given: (peer, content) => this.#gifts.get(peer, content),
      named: (sha256) => (this.#uploads.allowed ? this.#lending.named(sha256) : null),
    });
    this.#proofs = new LeafProofs({
      ...{ clock, hasher: options.hasher, lent },
      lost: (content, thrown) => this.#lost(content, thrown),
    });
    this.#gifts = new Gifts({ stopped: (peer, content) => this.#uploads.stop(content, peer) });
    this.#lending = new Lending({
      ...{ store, clock },
      hold: (held) => holders.hold(held, options.certificate),
      allowed: () => this.#uploads.allowed,
      peers: () => this.#peers,
      stopped: (content) => this.#uploads.stop(content),
    });
    this.#fetches = new Fetches({ ...options, peers: this.#peers, lending: this.#lending });
  }

  /**
   * Fetches a model, or what is missing of it, and resolves with it whole and checked; the caller closes it. Rejects with
   * model_not_found when nobody has it, storage_full, busy while another tab or process fetches it, model_integrity when what
   * everybody has is not the file that was asked for, model_download_failed, or cancelled. What has come is kept.
   */
  fetch(request: FetchRequest, { signal, onProgress = () => {} }: FetchOptions): Promise<StoredContent> {
    return this.#fetches.fetch(request, { signal, onProgress });
  }

  /** Opens something to be given to single peers. Rejects with model_not_found when it is not here, or not all of it. */
  async gift(content: ContentId): Promise<Gift> {
    const stored = await this.#options.store.open(content);
    if (stored?.pieces.full !== true) {
      await stored?.close();
      throw new MeshError('model_not_found', 'This file is not on this device any more. Choose it again.');
    }
    const ends = new Set<() => void>();
    let open = true;
    return {
      content,
      to: async (channel, sent) => {
        const peer = this.#peers.of(channel);
        if (peer === null || !(await peer.usable) || peer.gone) throw noWayTo();
        if (!open) throw cancelled();
        const end = this.#gifts.give(peer, stored, sent);
        ends.add(end);
        return end;
      },
      close: async () => {
        open = false;
        for (const end of ends) end();
        await stored.close();
      },
    };
  }

  /**
   * Takes what a peer gives to us alone, and resolves with it whole and checked; the caller closes it. Nobody else is asked, and
   * nothing of it is lent. Rejects like `fetch`; with model_unreadable when it is not wanted, and with connect_failed where
   * there is no direct way.
   */
  take(request: TakeRequest, { signal, onProgress = () => {} }: FetchOptions): Promise<StoredContent> {
    return this.#fetches.take(request, { signal, onProgress });
  }

  /** Lends these, and what is being fetched to be lent. Replaces what was said before. Rejects when one cannot be opened. */
  seed(contents: readonly ContentId[]): Promise<void> {
    return this.#lending.choose(contents);
  }

  /** What somebody else still has of a model: never a mistake of theirs where they cannot be reached. Rejects with cancelled. */
  async check(
    keeper: { peerId: PeerId; certificate: string | null },
    { content, drawn }: Pick<StorageCheckOptions, 'content' | 'drawn'>,
    signal: AbortSignal,
  ): Promise<StorageFinding> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    let peer: SwarmPeer;
    try {
      peer = await this.#peers.meet(keeper, either);
    } catch {
      if (either.aborted) throw cancelled();
      return UNREACHABLE;
    }
    const { hasher, clock } = this.#options;
    return checkStorage(peer, { content, drawn, hasher, clock }, either);
  }

  get figures(): SwarmFigures {
    const { fromPeers, fromWeb, wrongBytes, progress } = this.#fetches;
    const toPeers = this.#uploads.rate;
    return {
      fromPeers: fromPeers.perSecond,
      fromWeb: fromWeb.perSecond,
      toPeers: toPeers.perSecond,
      totals: { fromPeers: fromPeers.total, fromWeb: fromWeb.total, toPeers: toPeers.total, wrong: wrongBytes },
      sentToday: this.#uploads.sentToday,
      fetching: progress,
      seeded: this.#uploads.allowed ? this.#lending.contents : [],
    };
  }

  /** Ends all fetches and closes what is open of the store. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#peers.close();
    await this.#fetches.close();
    this.#uploads.close();
    await this.#lending.close();
  }

  channelOpened(channel: Channel): void {
    this.#peers.of(channel);
  }

  channelClosed(channel: Channel): void {
    const peer = this.#peers.channelClosed(channel);
    if (peer === null) return;
    this.#uploads.closed(peer);
    this.#fetches.left(peer);
  }

  handle(channel: Channel, message: SwarmMessage): void {
    const peer = this.#peers.of(channel);
    // Whoever has no lane can be sent no pieces.
    if (peer === null || this.#closing.signal.aborted) return;
    switch (message.kind) {
      case 'SEEK':
        peer.knowsOf(message.knows);
        void this.#sought(peer, message.content as ContentId);
        break;
      case 'HAVE':
        peer.knowsOf(message.knows);
        this.#has(peer, message.content as ContentId, message.bits);
        break;
      case 'GAINED':
        if (this.#fetches.get(message.content as ContentId)?.hasNow(peer, message.pieces) === false) peer.broke();
        break;
      case 'FETCHING':
        peer.fetches(message.content as ContentId, message.pieces);
        break;
      case 'WANT':
        this.#uploads.want(peer, message.content as ContentId, message.wants);
        break;
      case 'UNWANT':
        this.#uploads.unwant(peer, message.ids);
        break;
      case 'DECLINE':
        peer.declined(message.ids);
        break;
      case 'WANT_NAME':
        this.#replies.tellName(peer, message.sha256);
        break;
      case 'NAME':
        peer.nameIs(message.sha256, message.content as ContentId | null);
        break;
      case 'WANT_MANIFEST':
        this.#replies.tellManifest(peer, message.content as ContentId);
        break;
      case 'MANIFEST':
        peer.manifestIs(message.content as ContentId, message.bytes);
        break;
      case 'PROVE':
        void this.#proofs.answer(peer, { ...message, content: message.content as ContentId });
        break;
      case 'PROOF':
        peer.leafIs(message.id, message.proof === null ? null : owned(message.proof));
        break;
      case 'WANT_CHUNKS':
        void this.#replies.tellChunks(peer, message.content as ContentId, message.from);
        break;
      case 'CHUNKS':
        peer.chunksAre(message.content as ContentId, message.from, message.bytes);
        break;
      default:
        message satisfies never;
    }
  }

  async #sought(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (!(await peer.usable) || peer.gone || !peer.answers.take(1)) return;
    if (!this.#gifts.tell(peer, content)) this.#lending.answer(peer, content);
    // Else it would fetch the same from the server.
    const pieces = this.#fetches.get(content)?.fromServer ?? [];
    if (pieces.length > 0) peer.send({ kind: 'FETCHING', content, pieces });
  }

  #has(peer: SwarmPeer, content: ContentId, bits: Uint8Array | null): void {
    // What nobody asked about does not count.
    if (!peer.has.has(content) || this.#peers.isBanned(peer.key, content)) return;
    if (!peer.told() || this.#fetches.get(content)?.has(peer, bits) === false) peer.broke();
  }

  #lost(content: ContentId, thrown: unknown): void {
    this.#options.failed?.(
      asMeshError(thrown, 'model_integrity', 'A part of a model cannot be read any more. Fetch it again.'),
    );
    this.#lending.changed(content);
  }
}

/** The decoder's bytes are a window on all that was read. */
function owned({ bytes, path }: { bytes: Uint8Array; path: Uint8Array }): LeafProof {
  return { bytes: new Uint8Array(bytes), path: new Uint8Array(path) };
}
