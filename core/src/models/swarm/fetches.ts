/**
 * What this peer fetches: a model from everybody who has some of it, and what one peer gives to us alone. A fetch finds out what the
 * model consists of, takes what other models of this device share with it, and lets the rest come.
 */
import type { Clock } from '../../base/clock.ts';
import { untilAborted } from '../../base/abort.ts';
import { cancelled, MeshError } from '../../base/errors.ts';
import type { Hasher } from '../hasher.ts';
import { manifestOf } from '../content-id.ts';
import { PieceMap } from '../piece-map.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { FetchProgress, FetchRequest, HolderIndex, SwarmFigures } from '../swarm-port.ts';
import { ContentFinder, type Found } from './content-finder.ts';
import type { TakeRequest } from './gifts.ts';
import { Download } from './pull/download.ts';
import { HolderSearch } from './holder-search.ts';
import { LocalFill } from './local-fill.ts';
import type { Lending } from './lending.ts';
import { RateMeter } from './link/rate-meter.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';
import { nobodyHasIt, noWay, tooLarge } from './pull/swarm-errors.ts';
import type { SwarmPeers } from './swarm-peers.ts';

export interface FetchesOptions {
  store: PieceStore;
  holders: HolderIndex;
  hasher: Hasher;
  peers: SwarmPeers;
  lending: Lending;
  clock: Clock;
  random: () => number;
}

interface Waiting {
  signal: AbortSignal;
  onProgress: (progress: FetchProgress) => void;
}

export class Fetches {
  readonly fromPeers: RateMeter;
  readonly fromWeb: RateMeter;
  /** Bytes that came and were wrong. */
  wrongBytes = 0;
  readonly #options: FetchesOptions;
  readonly #downloads = new Map<ContentId, Download>();
  /** What somebody gives to us alone: nobody else is asked about it. */
  readonly #taken = new Set<ContentId>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<StoredContent>>();

  constructor(options: FetchesOptions) {
    this.#options = options;
    this.fromPeers = new RateMeter(options.clock);
    this.fromWeb = new RateMeter(options.clock);
  }

  /** See `Swarm.fetch`. */
  fetch(request: FetchRequest, waiting: Waiting): Promise<StoredContent> {
    return this.#run(waiting, (open) => this.#fetch(request, open));
  }

  /** See `Swarm.take`. */
  take(request: TakeRequest, waiting: Waiting): Promise<StoredContent> {
    return this.#run(waiting, (open) => this.#take(request, open));
  }

  get(content: ContentId): Download | null {
    return this.#downloads.get(content) ?? null;
  }

  get progress(): SwarmFigures['fetching'] {
    return [...this.#downloads.values()].map(({ progress: { content, peers, loadedBytes, sizeBytes } }) => ({
      ...{ content, peers, loadedBytes, sizeBytes },
    }));
  }

  /** There is a link to this one now. */
  met(peer: SwarmPeer): void {
    for (const content of this.#downloads.keys()) if (!this.#taken.has(content)) void this.#seek(peer, content);
  }

  /** The link to this one is gone. */
  left(peer: SwarmPeer): void {
    for (const download of this.#downloads.values()) download.drop(peer);
  }

  /** Resolves when all of them have ended, and what they wrote is closed. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #run(
    { signal, onProgress }: Waiting,
    begin: (waiting: Waiting) => Promise<StoredContent>,
  ): Promise<StoredContent> {
    const running = begin({ signal: AbortSignal.any([signal, this.#closing.signal]), onProgress });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #fetch(request: FetchRequest, waiting: Waiting): Promise<StoredContent> {
    const { store, peers, lending } = this.#options;
    const finder = new ContentFinder({
      ...this.#options,
      banned: (peer, content) => peers.isBanned(peer, content),
      ban: (peer, content) => peers.ban(peer, content),
      meet: (holder, search) => peers.meet(holder, search),
      linked: () => peers,
    });
    for (;;) {
      if (waiting.signal.aborted) throw cancelled();
      const found = await finder.find(request, waiting.signal);
      if (found === null) throw nobodyHasIt();
      const sizeBytes = found.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
      if (sizeBytes > (request.mostBytes ?? Infinity)) throw tooLarge();
      const stored = await store.begin(found.content, found.manifest);
      try {
        if (request.lend) await lending.begin(stored);
        await this.#transfer(stored, { web: request.web, from: null }, waiting);
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

  async #take({ content, from, store, wants }: TakeRequest, waiting: Waiting): Promise<StoredContent> {
    const { peers, hasher } = this.#options;
    const peer = peers.of(from);
    if (peer === null || !(await untilAborted(peer.usable, waiting.signal))) throw noWay();
    const bytes = await untilAborted(peer.manifest(content), waiting.signal);
    const manifest = bytes === null ? null : manifestOf(content, bytes, hasher);
    if (manifest === null) throw nobodyHasIt();
    if (!wants(manifest))
      throw new MeshError('model_unreadable', 'This is not what was announced, or it is too large.');
    if (this.#downloads.has(content)) throw new MeshError('busy', 'This is on its way already.');
    const stored = await store.begin(content, manifest);
    this.#taken.add(content);
    try {
      await this.#transfer(stored, { web: null, from: peer }, waiting);
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
    { signal, onProgress }: Waiting,
  ): Promise<void> {
    const { store, peers, lending, holders, clock, random } = this.#options;
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
        peers.ban(peer.key, content);
        download.drop(peer);
      },
      searching: () => from === null && search.hopeful,
      gained: (piece) => lending.gained(content, piece),
      fetching: (pieces) => {
        // What has come is told before it is no longer said to be on its way, or others would fetch it in between.
        lending.tellGained();
        for (const peer of peers) {
          if (peer.seeks.has(content) || peer.has.has(content)) peer.send({ kind: 'FETCHING', content, pieces });
        }
      },
      counted: (source, bytes) => {
        if (source === 'wrong') this.wrongBytes += bytes;
        else (source === 'peers' ? this.fromPeers : this.fromWeb).add(bytes);
      },
    });
    const search: HolderSearch = new HolderSearch({
      ...{ holders, clock, random },
      wanted: { content, sha256: null },
      skip: ({ peerId }) => peers.isBanned(peerId, content) || peers.knows(peerId),
      connect: async (holder, dialling) => {
        await peers.meet(holder, dialling);
      },
      connected: () => download.progress.peers,
    });
    this.#downloads.set(content, download);
    for (const peer of from === null ? peers : [from]) void this.#seek(peer, content);
    const searching = from === null ? search.run(either) : Promise.resolve();
    const fill = new LocalFill({
      ...{ store, stored, clock },
      peers: () => [...peers].filter((peer) => peer.has.has(content)),
      web,
      searching: () => search.hopeful,
      ban: (peer) => peers.ban(peer.key, content),
      filled: (piece, bytes) => {
        fromLocal += bytes;
        lending.gained(content, piece);
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
      for (const peer of peers) peer.has.delete(content);
      await searching;
    }
  }

  /** The fetch is over. What it wrote is closed, and lent on when it was to be. */
  async #release(stored: StoredContent, whole: boolean): Promise<void> {
    await this.#options.lending.end(stored.content, whole);
    await stored.close();
  }

  async #forget(finder: ContentFinder, { content, namers }: Found): Promise<void> {
    for (const key of namers) this.#options.peers.ban(key, content);
    finder.refuse(content);
    await this.#options.store.remove(content);
  }

  async #seek(peer: SwarmPeer, content: ContentId): Promise<void> {
    if (this.#options.peers.isBanned(peer.key, content) || !(await peer.usable) || peer.gone) return;
    if (this.#downloads.has(content)) peer.seek(content);
  }

  get #inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#downloads.values()) sum += inFlight;
    return sum;
  }
}
