/**
 * Models from peers: fetches what this peer wants from everybody who has some of it, and lends what its owner chose to lend.
 * Every byte is checked, whoever it came from. The messages are those of `protocol.ts`; pieces travel on the bulk lane.
 */
import { BoundedMap } from '../../base/bounded-map.ts';
import type { Clock } from '../../base/clock.ts';
import { asMeshError, cancelled, MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Channel } from '../../peers/channel.ts';
import { MAX_CHUNKS_BYTES, type SwarmMessage } from '../../protocol.ts';
import type { Hasher } from '../hasher.ts';
import { manifestBytes } from '../manifest.ts';
import { PieceMap } from '../piece-map.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { FetchProgress, FetchRequest, HolderIndex, SeedLimits, SwarmFigures } from '../swarm-port.ts';
import { ContentFinder, type Found } from './content-finder.ts';
import { Download, nobodyHasIt } from './download.ts';
import { HolderSearch } from './holder-search.ts';
import { LocalFill } from './local-fill.ts';
import { Lending } from './lending.ts';
import { RateMeter } from './rate-meter.ts';
import { SwarmPeer } from './swarm-peer.ts';
import { Uploads } from './uploads.ts';

const MAX_BANS = 4_096;
/** Who broke the rules is banned from all models. */
const ANY = '*';

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
  readonly #peers = new Map<Channel, SwarmPeer>();
  readonly #downloads = new Map<ContentId, Download>();
  readonly #banned = new BoundedMap<string, true>(MAX_BANS);
  readonly #uploads: Uploads;
  readonly #lending: Lending;
  readonly #fromPeers: RateMeter;
  readonly #fromWeb: RateMeter;
  readonly #closing = new AbortController();
  readonly #fetches = new Set<Promise<unknown>>();
  #wrongBytes = 0;
  #strangers = 0;

  constructor(options: SwarmOptions) {
    this.#options = options;
    const { clock, now, limits, store, holders, sentToday = 0 } = options;
    this.#fromPeers = new RateMeter(clock);
    this.#fromWeb = new RateMeter(clock);
    this.#uploads = new Uploads({
      ...{ clock, now, limits, sentToday },
      lent: (content) => this.#lending.get(content),
      lost: (content, thrown) => {
        options.failed?.(
          asMeshError(thrown, 'model_integrity', 'A part of a model cannot be read any more. Fetch it again.'),
        );
        this.#lending.changed(content);
      },
    });
    this.#lending = new Lending({
      ...{ store, clock },
      hold: (held) => holders.hold(held, options.certificate),
      allowed: () => this.#uploads.allowed,
      peers: () => this.#peers.values(),
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

  /** Lends these, and what is being fetched to be lent. Replaces what was said before. Rejects when one cannot be opened. */
  seed(contents: readonly ContentId[]): Promise<void> {
    return this.#lending.choose(contents);
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
    await Promise.allSettled(this.#fetches);
    this.#uploads.close();
    await this.#lending.close();
  }

  channelOpened(channel: Channel): void {
    this.#peerOf(channel);
  }

  channelClosed(channel: Channel): void {
    const peer = this.#peers.get(channel);
    if (peer === undefined) return;
    this.#peers.delete(channel);
    if (peer.outlaw) this.#ban(peer.key, ANY);
    peer.close();
    this.#uploads.closed(peer);
    for (const download of this.#downloads.values()) download.drop(peer);
  }

  handle(channel: Channel, message: SwarmMessage): void {
    const peer = this.#peerOf(channel);
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
        this.#tellManifest(peer, message.content as ContentId);
        break;
      case 'MANIFEST':
        peer.manifestIs(message.content as ContentId, message.bytes);
        break;
      case 'WANT_CHUNKS':
        void this.#tellChunks(peer, message.content as ContentId, message.from);
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
      banned: (peer, content) => this.#isBanned(peer, content),
      ban: (peer, content) => this.#ban(peer, content),
      meet: (holder, search) => this.#meet(holder, search),
    });
    for (;;) {
      if (signal.aborted) throw cancelled();
      const found = await finder.find(request, signal);
      if (found === null) throw nobodyHasIt();
      const stored = await store.begin(found.content, found.manifest);
      try {
        if (request.lend) await this.#lending.begin(stored);
        await this.#transfer(stored, request, signal, onProgress);
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

  async #transfer(
    stored: StoredContent,
    { web }: FetchRequest,
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<void> {
    const { store, holders, clock, random } = this.#options;
    const { content } = stored;
    const before = loadedBytes(stored);
    let fromLocal = 0;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const download: Download = new Download({
      ...{ stored, web, clock, random },
      onProgress: (progress) => onProgress({ ...progress, fromLocal }),
      inFlight: () => this.#inFlight,
      ban: (peer) => {
        this.#ban(peer.key, content);
        download.drop(peer);
      },
      searching: () => search.hopeful,
      gained: (piece) => this.#lending.gained(content, piece),
      fetching: (pieces) => {
        // What has come is told before it is no longer said to be on its way, or others would fetch it in between.
        this.#lending.tellGained();
        for (const peer of this.#peers.values()) {
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
      skip: ({ peerId }) => this.#isBanned(peerId, content) || this.#connected(peerId),
      connect: async (holder, dialling) => {
        await this.#meet(holder, dialling);
      },
      connected: () => download.progress.peers,
    });
    this.#downloads.set(content, download);
    for (const peer of this.#peers.values()) void this.#seek(peer, content);
    const searching = search.run(either);
    const fill = new LocalFill({
      ...{ store, stored, clock },
      peers: () => [...this.#peers.values()].filter((peer) => peer.has.has(content)),
      searching: () => search.hopeful,
      ban: (peer) => this.#ban(peer.key, content),
      filled: (piece, bytes) => {
        fromLocal += bytes;
        this.#lending.gained(content, piece);
        onProgress({ ...download.progress, loadedBytes: before + fromLocal, fromLocal });
      },
    });
    try {
      await fill.run(either);
      await download.run(signal);
    } finally {
      over.abort();
      this.#downloads.delete(content);
      for (const peer of this.#peers.values()) peer.has.delete(content);
      await searching;
    }
  }

  /** The fetch is over. What it wrote is closed, and lent on when it was to be. */
  async #release(stored: StoredContent, whole: boolean): Promise<void> {
    await this.#lending.end(stored.content, whole);
    await stored.close();
  }

  async #forget(finder: ContentFinder, { content, namers }: Found): Promise<void> {
    for (const peerId of namers) this.#ban(peerId, content);
    finder.refuse(content);
    await this.#options.store.remove(content);
  }

  /** A holder, connected. Rejects with connect_failed, also when no pieces can travel to us from there. */
  async #meet(
    { peerId, certificate }: { peerId: PeerId; certificate: string | null },
    signal: AbortSignal,
  ): Promise<SwarmPeer> {
    if (peerId === this.#options.self) throw noWay();
    if (certificate !== null) this.#options.learn(peerId, certificate);
    const channel = await this.#options.connect(peerId, signal);
    const peer = this.#peerOf(channel);
    if (peer === null) throw noWay();
    return peer;
  }

  #peerOf(channel: Channel): SwarmPeer | null {
    const known = this.#peers.get(channel);
    if (known !== undefined) return known;
    const { bulk } = channel;
    if (bulk === null || !channel.open || this.#closing.signal.aborted) return null;
    const key = channel.proven ? channel.peer : `stranger ${this.#strangers++}`;
    const peer = new SwarmPeer(channel, bulk, key, this.#options.clock);
    this.#peers.set(channel, peer);
    for (const content of this.#downloads.keys()) void this.#seek(peer, content);
    return peer;
  }

  async #seek(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (this.#isBanned(peer.key, content) || !(await peer.usable) || peer.gone) return;
    if (this.#downloads.has(content)) peer.seek(content);
  }

  async #sought(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (!(await peer.usable) || peer.gone || !peer.answers.take(1)) return;
    this.#lending.answer(peer, content);
    // Else it would fetch the same from the server.
    const pieces = this.#downloads.get(content)?.fromServer ?? [];
    if (pieces.length > 0) peer.send({ kind: 'FETCHING', content, pieces });
  }

  #has(peer: SwarmPeer, content: ContentId, bits: Uint8Array | null): void {
    // What nobody asked about does not count.
    if (!peer.has.has(content) || this.#isBanned(peer.key, content)) return;
    if (!peer.told() || this.#downloads.get(content)?.has(peer, bits) === false) peer.broke();
  }

  #tellManifest(peer: SwarmPeer, content: ContentId): void {
    const stored = this.#uploads.allowed && peer.answers.take(1) ? this.#lending.get(content) : null;
    peer.send({ kind: 'MANIFEST', content, bytes: stored === null ? null : manifestBytes(stored.manifest) });
  }

  async #tellChunks(peer: SwarmPeer, content: ContentId, from: number): Promise<void> {
    const stored = this.#uploads.allowed && peer.answers.take(1) ? this.#lending.get(content) : null;
    let packed: Uint8Array | null = null;
    try {
      packed = (await stored?.chunks()) ?? null;
    } catch {
      // Who cannot read them is like one who never made them.
    }
    const bytes = packed?.slice(from, from + MAX_CHUNKS_BYTES) ?? null;
    if (!peer.gone) peer.send({ kind: 'CHUNKS', content, from, bytes });
  }

  #connected(peerId: PeerId): boolean {
    if (peerId === this.#options.self) return true;
    for (const { key } of this.#peers.values()) if (key === peerId) return true;
    return false;
  }

  /** `key`: see `SwarmPeer.key`. */
  #ban(key: string, content: ContentId | typeof ANY): void {
    this.#banned.set(`${key} ${content}`, true);
  }

  #isBanned(key: string, content: ContentId): boolean {
    return this.#banned.has(`${key} ${content}`) || this.#banned.has(`${key} ${ANY}`);
  }

  get #inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#downloads.values()) sum += inFlight;
    return sum;
  }
}

function loadedBytes({ manifest, pieces }: StoredContent): number {
  const map = new PieceMap(manifest);
  let bytes = 0;
  for (let piece = 0; piece < map.count; piece++) if (pieces.has(piece)) bytes += map.place(piece).sizeBytes;
  return bytes;
}

function noWay(): MeshError {
  return new MeshError('connect_failed', 'Models cannot come from that volunteer: there is no direct way to it.');
}
