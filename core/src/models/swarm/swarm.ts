/**
 * Models from peers: fetches what this peer wants from everybody who has some of it, and lends what its owner chose to lend.
 * Every byte is checked, whoever it came from. The messages are those of `protocol.ts`; pieces travel on the bulk lane.
 */
import type { Clock } from '../../base/clock.ts';
import { untilAborted } from '../../base/abort.ts';
import { asMeshError, cancelled, MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Channel } from '../../peers/channel.ts';
import type { SwarmMessage } from '../../protocol.ts';
import type { Hasher } from '../hasher.ts';
import type { LeafProof } from '../leaf-path.ts';
import { manifestOf } from '../content-id.ts';
import { PieceMap } from '../piece-map.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { FetchProgress, FetchRequest, HolderIndex, SeedLimits, SwarmFigures } from '../swarm-port.ts';
import { ContentFinder, type Found } from './content-finder.ts';
import { Gifts, type Gift, type TakeRequest } from './gifts.ts';
import { Download } from './pull/download.ts';
import { HolderSearch } from './holder-search.ts';
import { LeafProofs } from './leaf-proofs.ts';
import { LocalFill } from './local-fill.ts';
import { Lending } from './lending.ts';
import { RateMeter } from './link/rate-meter.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';
import { nobodyHasIt, noWay, noWayTo, tooLarge } from './pull/swarm-errors.ts';
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
  readonly #downloads = new Map<ContentId, Download>();
  readonly #uploads: Uploads;
  readonly #lending: Lending;
  readonly #proofs: LeafProofs;
  readonly #replies: Replies;
  readonly #gifts: Gifts;
  /** What somebody gives to us alone: nobody else is asked about it. */
  readonly #taken = new Set<ContentId>();
  readonly #fromPeers: RateMeter;
  readonly #fromWeb: RateMeter;
  readonly #closing = new AbortController();
  readonly #fetches = new Set<Promise<unknown>>();
  #wrongBytes = 0;

  constructor(options: SwarmOptions) {
    this.#options = options;
    const { clock, now, limits, store, holders, sentToday = 0 } = options;
    this.#fromPeers = new RateMeter(clock);
    this.#fromWeb = new RateMeter(clock);
    this.#peers = new SwarmPeers({
      ...options,
      met: (peer) => {
        for (const content of this.#downloads.keys()) if (!this.#taken.has(content)) void this.#seek(peer, content);
      },
    });
    this.#uploads = new Uploads({
      ...{ clock, now, limits, sentToday },
      lent: (content) => this.#lending.get(content),
      given: (peer, content) => this.#gifts.get(peer, content),
      sent: (peer, content, bytes) => this.#gifts.sent(peer, content, bytes),
      lost: (content, thrown) => this.#lost(content, thrown),
    });
    const lent = (content: ContentId) => (this.#uploads.allowed ? this.#lending.get(content) : null);
    this.#replies = new Replies({ lent, given: (peer, content) => this.#gifts.get(peer, content) });
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
  }

  /**
   * Fetches a model, or what is missing of it, and resolves with it whole and checked; the caller closes it. Rejects with
   * model_not_found when nobody has it, storage_full, busy while another tab or process fetches it, model_integrity when what
   * everybody has is not the file that was asked for, model_download_failed, or cancelled. What has come is kept.
   */
  async fetch(request: FetchRequest, { signal, onProgress = () => {} }: FetchOptions): Promise<StoredContent> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const fetching = this.#fetch(request, either, onProgress);
    this.#fetches.add(fetching);
    try {
      return await fetching;
    } finally {
      this.#fetches.delete(fetching);
    }
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
  async take(request: TakeRequest, { signal, onProgress = () => {} }: FetchOptions): Promise<StoredContent> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const taking = this.#take(request, either, onProgress);
    this.#fetches.add(taking);
    try {
      return await taking;
    } finally {
      this.#fetches.delete(taking);
    }
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
    return {
      fromPeers: this.#fromPeers.perSecond,
      fromWeb: this.#fromWeb.perSecond,
      toPeers: this.#uploads.rate.perSecond,
      totals: {
        fromPeers: this.#fromPeers.total,
        fromWeb: this.#fromWeb.total,
        toPeers: this.#uploads.rate.total,
        wrong: this.#wrongBytes,
      },
      sentToday: this.#uploads.sentToday,
      fetching: [...this.#downloads.values()].map(({ progress: { content, peers, loadedBytes, sizeBytes } }) => ({
        ...{ content, peers, loadedBytes, sizeBytes },
      })),
      seeded: this.#uploads.allowed ? this.#lending.contents : [],
    };
  }

  /** Ends all fetches and closes what is open of the store. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#peers.close();
    await Promise.allSettled(this.#fetches);
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
    for (const download of this.#downloads.values()) download.drop(peer);
  }

  handle(channel: Channel, message: SwarmMessage): void {
    const peer = this.#peers.of(channel);
    // Whoever has no lane can be sent no pieces.
    if (peer === null || this.#closing.signal.aborted) return;
    switch (message.kind) {
      case 'SEEK':
        void this.#sought(peer, message.content as ContentId);
        break;
      case 'HAVE':
        this.#has(peer, message.content as ContentId, message.bits);
        break;
      case 'GAINED':
        if (this.#downloads.get(message.content as ContentId)?.hasNow(peer, message.pieces) === false) peer.broke();
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

  async #fetch(
    request: FetchRequest,
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<StoredContent> {
    const { store } = this.#options;
    const finder = new ContentFinder({
      ...this.#options,
      banned: (peer, content) => this.#peers.isBanned(peer, content),
      ban: (peer, content) => this.#peers.ban(peer, content),
      meet: (holder, search) => this.#peers.meet(holder, search),
      linked: () => this.#peers,
    });
    for (;;) {
      if (signal.aborted) throw cancelled();
      const found = await finder.find(request, signal);
      if (found === null) throw nobodyHasIt();
      const sizeBytes = found.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
      if (sizeBytes > (request.mostBytes ?? Infinity)) throw tooLarge();
      const stored = await store.begin(found.content, found.manifest);
      try {
        if (request.lend) await this.#lending.begin(stored);
        await this.#transfer(stored, { web: request.web, from: null }, signal, onProgress);
        await stored.complete();
      } catch (thrown) {
        await this.#release(stored, false);
        // Whoever named this content for that file named another file; the next may have named the right one.
        if (request.content !== null || !(thrown instanceof MeshError) || thrown.code !== 'model_integrity')
          throw thrown;
        await this.#forget(finder, found);
        continue;
      }
      await this.#release(stored, true);
      const whole = await store.open(found.content);
      if (whole === null)
        throw new MeshError('model_not_found', 'The model was removed as soon as it was here. Fetch it again.');
      return whole;
    }
  }

  async #take(
    { content, from, store, wants }: TakeRequest,
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<StoredContent> {
    const peer = this.#peers.of(from);
    if (peer === null || !(await untilAborted(peer.usable, signal))) throw noWay();
    const bytes = await untilAborted(peer.manifest(content), signal);
    const manifest = bytes === null ? null : manifestOf(content, bytes, this.#options.hasher);
    if (manifest === null) throw nobodyHasIt();
    if (!wants(manifest))
      throw new MeshError('model_unreadable', 'This is not what was announced, or it is too large.');
    if (this.#downloads.has(content)) throw new MeshError('busy', 'This is on its way already.');
    const stored = await store.begin(content, manifest);
    this.#taken.add(content);
    try {
      await this.#transfer(stored, { web: null, from: peer }, signal, onProgress);
      await stored.complete();
    } finally {
      this.#taken.delete(content);
      await stored.close();
    }
    const whole = await store.open(content);
    if (whole === null) throw new MeshError('model_not_found', 'It was removed as soon as it was here. Ask again.');
    return whole;
  }

  /** `from`: the only one that is asked; null: whoever has it. */
  async #transfer(
    stored: StoredContent,
    { web, from }: Pick<FetchRequest, 'web'> & { from: SwarmPeer | null },
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<void> {
    const { store, holders, clock, random } = this.#options;
    const { content } = stored;
    const before = new PieceMap(stored.manifest).bytesOf(stored.pieces);
    let fromLocal = 0;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const download: Download = new Download({
      ...{ stored, web, clock, random },
      onProgress: (progress) => onProgress({ ...progress, fromLocal }),
      inFlight: () => this.#inFlight,
      ban: (peer) => {
        this.#peers.ban(peer.key, content);
        download.drop(peer);
      },
      searching: () => from === null && search.hopeful,
      gained: (piece) => this.#lending.gained(content, piece),
      fetching: (pieces) => {
        // What has come is told before it is no longer said to be on its way, or others would fetch it in between.
        this.#lending.tellGained();
        for (const peer of this.#peers) {
          if (peer.seeks.has(content) || peer.has.has(content)) peer.send({ kind: 'FETCHING', content, pieces });
        }
      },
      counted: (from, bytes) => {
        if (from === 'wrong') this.#wrongBytes += bytes;
        else (from === 'peers' ? this.#fromPeers : this.#fromWeb).add(bytes);
      },
    });
    const search: HolderSearch = new HolderSearch({
      ...{ holders, clock, random },
      wanted: { content, sha256: null },
      skip: ({ peerId }) => this.#peers.isBanned(peerId, content) || this.#peers.knows(peerId),
      connect: async (holder, dialling) => {
        await this.#peers.meet(holder, dialling);
      },
      connected: () => download.progress.peers,
    });
    this.#downloads.set(content, download);
    for (const peer of from === null ? this.#peers : [from]) void this.#seek(peer, content);
    const searching = from === null ? search.run(either) : Promise.resolve();
    const fill = new LocalFill({
      ...{ store, stored, clock },
      peers: () => [...this.#peers].filter((peer) => peer.has.has(content)),
      searching: () => search.hopeful,
      ban: (peer) => this.#peers.ban(peer.key, content),
      filled: (piece, bytes) => {
        fromLocal += bytes;
        this.#lending.gained(content, piece);
        onProgress({ ...download.progress, loadedBytes: before + fromLocal, fromLocal });
      },
    });
    try {
      // Who gives something to us alone has made it just for this.
      if (from === null) await fill.run(either);
      await download.run(signal);
    } finally {
      over.abort();
      this.#downloads.delete(content);
      for (const peer of this.#peers) peer.has.delete(content);
      await searching;
    }
  }

  /** The fetch is over. What it wrote is closed, and lent on when it was to be. */
  async #release(stored: StoredContent, whole: boolean): Promise<void> {
    await this.#lending.end(stored.content, whole);
    await stored.close();
  }

  async #forget(finder: ContentFinder, { content, namers }: Found): Promise<void> {
    for (const peerId of namers) this.#peers.ban(peerId, content);
    finder.refuse(content);
    await this.#options.store.remove(content);
  }

  async #seek(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (this.#peers.isBanned(peer.key, content) || !(await peer.usable) || peer.gone) return;
    if (this.#downloads.has(content)) peer.seek(content);
  }

  async #sought(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (!(await peer.usable) || peer.gone || !peer.answers.take(1)) return;
    if (!this.#gifts.tell(peer, content)) this.#lending.answer(peer, content);
    // Else it would fetch the same from the server.
    const pieces = this.#downloads.get(content)?.fromServer ?? [];
    if (pieces.length > 0) peer.send({ kind: 'FETCHING', content, pieces });
  }

  #has(peer: SwarmPeer, content: ContentId, bits: Uint8Array | null): void {
    // What nobody asked about does not count.
    if (!peer.has.has(content) || this.#peers.isBanned(peer.key, content)) return;
    if (!peer.told() || this.#downloads.get(content)?.has(peer, bits) === false) peer.broke();
  }

  #lost(content: ContentId, thrown: unknown): void {
    this.#options.failed?.(
      asMeshError(thrown, 'model_integrity', 'A part of a model cannot be read any more. Fetch it again.'),
    );
    this.#lending.changed(content);
  }

  get #inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#downloads.values()) sum += inFlight;
    return sum;
  }
}

/** The decoder's bytes are a window on all that was read. */
function owned({ bytes, path }: { bytes: Uint8Array; path: Uint8Array }): LeafProof {
  return { bytes: new Uint8Array(bytes), path: new Uint8Array(path) };
}
