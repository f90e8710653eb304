/**
 * One model on its way here: the hashes of its pieces first, then its pieces, from several peers at once and, when they give
 * too little, from a server. It ends when every piece is here and right.
 */
import { onAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { cancelled, MeshError } from '../../base/errors.ts';
import { PIECE_BYTES } from '../manifest.ts';
import { PieceMap } from '../piece-map.ts';
import { PieceSet } from '../piece-set.ts';
import type { ContentId, StoredContent } from '../piece-store.ts';
import type { FetchProgress, WebSource } from '../swarm-port.ts';
import { Holdings, type Holding } from './holdings.ts';
import { LayerPull } from './layer-pull.ts';
import { OpenPieces } from './piece-choice.ts';
import { isLate, PieceTimes } from './piece-times.ts';
import { RateMeter } from './rate-meter.ts';
import type { Ask, Pending, SwarmPeer } from './swarm-peer.ts';
import { WebPull } from './web-pull.ts';

const TICK_MS = 500;
/** Pieces of all fetches that are on their way, and so in memory. */
export const MAX_IN_FLIGHT = 24;
/** So much of one peer's rate is asked for beforehand. */
const AHEAD_MS = 1_000;
const [MIN_AHEAD, MAX_AHEAD] = [3, 12];
/** Without a byte for so long, a peer is asked for nothing more for as long, and longer each time. */
const STALLED_MS = 10_000;
/** So many pieces declined one after another count like silence. */
const MAX_DECLINED = 8;
/** The most peers that are asked for the same piece. */
const MAX_ASKED = 3;
/** Nobody who is here has what is missing: others may still come. */
const ALONE_MS = 30_000;

export interface DownloadOptions {
  stored: StoredContent;
  web: WebSource | null;
  /** How many pieces are on their way in all fetches. */
  inFlight: () => number;
  /** It sent something wrong, and loses its place. */
  ban: (peer: SwarmPeer) => void;
  /** Somebody is being looked for, or on the way. */
  searching: () => boolean;
  gained: (piece: number) => void;
  fetching: (pieces: number[]) => void;
  counted: (from: 'peers' | 'web' | 'wrong', bytes: number) => void;
  onProgress: (progress: Omit<FetchProgress, 'fromLocal'>) => void;
  clock: Clock;
  random: () => number;
}

export class Download {
  readonly #options: DownloadOptions;
  readonly #stored: StoredContent;
  readonly #map: PieceMap;
  readonly #holdings: Holdings;
  readonly #layers: LayerPull;
  readonly #web: WebPull | null;
  readonly #open: OpenPieces;
  /** Whom each piece that is on its way was asked of. */
  readonly #asked = new Map<number, Map<SwarmPeer, Pending>>();
  /** Pieces that are being checked and kept. */
  readonly #writing = new Set<Promise<boolean>>();
  /** Pieces that are kept, and that no hash covers yet. */
  readonly #trial = new Set<number>();
  readonly #times = new PieceTimes();
  readonly #fromPeers: RateMeter;
  readonly #startMs: number;
  #loadedBytes = 0;
  #aloneSinceMs: number | null = null;
  #pumping = false;
  #settle: ((error: MeshError | null) => void) | null = null;

  constructor(options: DownloadOptions) {
    const { stored, web, clock } = options;
    this.#options = options;
    this.#stored = stored;
    this.#map = new PieceMap(stored.manifest);
    this.#open = new OpenPieces(this.#map.count);
    this.#holdings = new Holdings(this.#map.count);
    this.#fromPeers = new RateMeter(clock);
    this.#startMs = clock.now();
    this.#web =
      web === null
        ? null
        : new WebPull({
            ...{ web, clock },
            map: this.#map,
            paths: stored.manifest.files.map(({ path }) => path),
            keep: (piece, bytes) => this.#keep(piece, bytes, null),
            changed: (pieces) => options.fetching(pieces),
            gaveUp: (piece) => this.#reopen(piece),
            room: () => options.inFlight() < MAX_IN_FLIGHT,
          });
    this.#layers = new LayerPull({
      ...{ stored, map: this.#map, holdings: this.#holdings, web: this.#web },
      ban: (peer) => options.ban(peer),
      covered: (file) => this.#judged(file),
      changed: () => this.pump(),
      failed: (thrown) => this.#end(storeFailed(thrown)),
    });
  }

  get content(): ContentId {
    return this.#stored.content;
  }

  /** How many pieces are on their way. */
  get inFlight(): number {
    return this.#asked.size + this.#writing.size + (this.#web?.active ?? 0);
  }

  /** The pieces that come from the server now. */
  get fromServer(): number[] {
    return this.#web?.pieces ?? [];
  }

  get progress(): Omit<FetchProgress, 'fromLocal'> {
    return {
      content: this.content,
      loadedBytes: this.#loadedBytes,
      sizeBytes: this.#map.sizeBytes,
      fromPeers: this.#fromPeers.total,
      fromWeb: this.#web?.rate.total ?? 0,
      peers: this.#holdings.helpful,
    };
  }

  /** Resolves when all pieces are here. Rejects as `Swarm.fetch` does; what has come is kept. */
  async run(signal: AbortSignal): Promise<void> {
    const { pieces } = this.#stored;
    for (let piece = 0; piece < this.#map.count; piece++) {
      if (!pieces.has(piece)) continue;
      this.#open.take(piece);
      this.#loadedBytes += this.#map.place(piece).sizeBytes;
    }
    await this.#layers.look();
    if (pieces.full) return;
    if (signal.aborted) throw cancelled();
    let stopTimer = () => {};
    let stopAbort = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => (error === null ? resolve() : reject(error));
        stopAbort = onAbort(signal, () => this.#end(cancelled()));
        const tick = () => {
          stopTimer = this.#options.clock.after(TICK_MS, tick);
          this.#tick();
        };
        tick();
      });
    } finally {
      stopTimer();
      stopAbort();
      this.#stop();
      // Whoever closes the store closes nothing that is being written.
      await Promise.allSettled(this.#writing);
    }
  }

  /** The peer said what it has: null is everything. False: that cannot be so. */
  has(peer: SwarmPeer, bits: Uint8Array | null): boolean {
    const pieces = readPieces(this.#map.count, bits);
    if (pieces === null) return false;
    this.#holdings.set(peer, pieces);
    this.pump();
    return true;
  }

  /** False: there is no such piece. */
  hasNow(peer: SwarmPeer, pieces: readonly number[]): boolean {
    if (pieces.some((piece) => piece >= this.#map.count)) return false;
    this.#aloneSinceMs = null;
    for (const piece of pieces) this.#holdings.add(peer, piece);
    this.pump();
    return true;
  }

  /** It is gone, or may not be asked any more. */
  drop(peer: SwarmPeer): void {
    this.#unaskAll(peer);
    this.#holdings.delete(peer);
    this.pump();
  }

  /** Asks for more wherever there is room; once, however often it is called meanwhile. */
  pump(): void {
    if (this.#settle === null || this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      if (this.#settle === null) return;
      const nowMs = this.#options.clock.now();
      this.#layers.pump(nowMs);
      this.#askPeers(nowMs);
      this.#askWeb(nowMs);
    });
  }

  #tick(): void {
    for (const [peer, holding] of this.#holdings) this.#judge(peer, holding);
    this.#options.onProgress(this.progress);
    this.#checkAlone();
    this.pump();
  }

  /** Who sends nothing is left alone for a while. */
  #judge(peer: SwarmPeer, holding: Holding): void {
    const nowMs = this.#options.clock.now();
    const [head] = peer.of(this.content);
    if (head?.headMs == null || nowMs - head.headMs < STALLED_MS || peer.rate.perSecond > 0) return;
    this.#pause(holding);
    this.#unaskAll(peer);
  }

  /** Who claims what it does not give is not asked for the rest of its claims one after another. */
  #declined(peer: SwarmPeer): void {
    const holding = this.#holdings.get(peer);
    if (holding === null) return;
    holding.declined += 1;
    if (holding.declined % MAX_DECLINED === 0) this.#pause(holding);
  }

  #pause(holding: Holding): void {
    holding.stalls += 1;
    holding.pausedUntilMs = this.#options.clock.now() + holding.stalls * STALLED_MS;
  }

  #askPeers(nowMs: number): void {
    const batches = new Map<SwarmPeer, Ask[]>();
    // In turns, so that whoever comes first does not get everything that may be on its way.
    let peers = this.#holdings.usable(nowMs).toSorted(([a], [b]) => a.pending - b.pending);
    while (peers.length > 0) {
      peers = peers.filter(([peer, { pieces, proven }]) => {
        const batch = batches.get(peer) ?? [];
        const ahead = peer.pending + batch.length;
        const piece = ahead < (proven ? aheadOf(peer) : 1) ? this.#choose(peer, pieces, ahead < 2) : null;
        if (piece === null) return false;
        this.#open.take(piece);
        if (!this.#asked.has(piece)) this.#asked.set(piece, new Map());
        batches.set(peer, [...batch, this.#askFor(piece, peer)]);
        return true;
      });
    }
    for (const [peer, batch] of batches) {
      const holding = this.#holdings.get(peer);
      if (holding !== null) holding.release ??= peer.channel.hold(true);
      for (const pending of peer.ask(this.content, batch)) this.#asked.get(pending.ask.number)?.set(peer, pending);
    }
  }

  #askFor(piece: number, peer: SwarmPeer): Ask {
    const { content } = this;
    const { sizeBytes } = this.#map.place(piece);
    return {
      ...{ content, what: 'piece', number: piece, sizeBytes },
      got: (bytes) => {
        const headMs = this.#asked.get(piece)?.get(peer)?.headMs;
        if (headMs != null) this.#times.took(this.#options.clock.now() - headMs);
        void this.#keep(piece, bytes, peer);
        this.pump();
      },
      failed: () => {
        this.#holdings.lacks(peer, piece);
        this.#declined(peer);
        this.#unask(piece, peer);
        this.pump();
      },
    };
  }

  /** `idle`: it has hardly anything to send, so that a piece that others are late with may be asked of it, too. */
  #choose(peer: SwarmPeer, pieces: PieceSet, idle: boolean): number | null {
    const { random, inFlight } = this.#options;
    const eligible = (piece: number) => pieces.has(piece) && this.#layers.covers(this.#map.place(piece).file);
    if (inFlight() < MAX_IN_FLIGHT) {
      const fresh = this.#open.choose({ eligible, copies: (piece) => this.#holdings.copies(piece), random });
      if (fresh !== null) return fresh;
      const slow = idle ? this.#web?.slow.find((piece) => eligible(piece) && !this.#asked.has(piece)) : undefined;
      if (slow !== undefined) return slow;
    }
    if (!idle) return null;
    return this.#chooseLate(peer.rate.perSecond, (piece, askers) => eligible(piece) && !askers.has(peer));
  }

  /** The end game: the last pieces do not wait for the slowest. `ownRate`: what the other source gives, in bytes per second. */
  #chooseLate(
    ownRate: number,
    eligible: (piece: number, askers: ReadonlyMap<SwarmPeer, Pending>) => boolean,
  ): number | null {
    const { random, clock } = this.#options;
    const late = { nowMs: clock.now(), ownRate, usualMs: this.#times.usualMs };
    const again = [...this.#asked].filter(
      ([piece, askers]) =>
        askers.size > 0 &&
        askers.size < MAX_ASKED &&
        eligible(piece, askers) &&
        [...askers].every(([other, pending]) => isLate(other, pending, late)),
    );
    return again[Math.floor(random() * again.length)]?.[0] ?? null;
  }

  #askWeb(nowMs: number): void {
    const web = this.#web;
    if (web === null) return;
    const usable = this.#holdings.usable(nowMs);
    const useful = usable.some(([, { pieces }]) => this.#open.some((piece) => pieces.has(piece)));
    web.pump({
      state: { elapsedMs: nowMs - this.#startMs, useful, peerRate: this.#fromPeers.perSecond },
      choose: (any) => {
        const piece = this.#open.choose({
          eligible: (one) => (any || this.#holdings.copies(one) === 0) && !this.#elsewhere(one),
          copies: (one) => this.#holdings.copies(one),
          random: this.#options.random,
        });
        if (piece !== null) this.#open.take(piece);
        return piece ?? (any ? this.#chooseLate(web.rate.perSecond, (one) => !web.isFetching(one)) : null);
      },
    });
  }

  /** The bytes are here: checked and kept, or the one who sent them loses its place. False: they are wrong. */
  async #keep(piece: number, bytes: Uint8Array<ArrayBuffer>, peer: SwarmPeer | null): Promise<boolean> {
    const { byteLength } = bytes;
    if (this.#stored.pieces.has(piece) || this.#trial.has(piece)) return true;
    let right: boolean;
    const writing = this.#stored.write(piece, bytes);
    this.#writing.add(writing);
    try {
      right = await writing;
    } catch (thrown) {
      this.#end(storeFailed(thrown));
      return true;
    } finally {
      this.#writing.delete(writing);
      if (peer !== null) this.#unask(piece, peer);
    }
    if (!right) {
      this.#options.counted('wrong', byteLength);
      if (peer === null) this.#judged(this.#map.place(piece).file);
      else this.#options.ban(peer);
      this.#reopen(piece);
      return false;
    }
    this.#options.counted(peer === null ? 'web' : 'peers', byteLength);
    if (peer !== null) {
      this.#fromPeers.add(byteLength);
      const holding = this.#holdings.get(peer);
      // Until now it could keep no more than one piece from others.
      if (holding !== null) Object.assign(holding, { proven: true, declined: 0 });
    }
    this.#cancelOthers(piece);
    if (this.#stored.pieces.has(piece)) {
      this.#arrived(piece);
      // With the last piece of a file, all of its pieces became right at once.
      this.#layers.cover(this.#map.place(piece).file);
    } else this.#trial.add(piece);
    this.pump();
    return true;
  }

  #arrived(piece: number): void {
    this.#open.take(piece);
    this.#loadedBytes += this.#map.place(piece).sizeBytes;
    this.#options.gained(piece);
    this.#options.onProgress(this.progress);
    if (this.#stored.pieces.full) this.#end(null);
  }

  /** The pieces of this file are on trial no more: they are right and here, or wrong and gone. */
  #judged(file: number): void {
    for (let piece = this.#map.first(file); piece < this.#map.end(file); piece++) {
      if (!this.#trial.delete(piece)) continue;
      if (this.#stored.pieces.has(piece)) this.#arrived(piece);
      else this.#reopen(piece);
    }
  }

  #cancelOthers(piece: number): void {
    for (const [peer, pending] of this.#asked.get(piece) ?? []) peer.cancel([pending]);
    this.#asked.delete(piece);
    this.#web?.cancel(piece);
  }

  #unaskAll(peer: SwarmPeer): void {
    const all = peer.of(this.content);
    peer.cancel(all);
    this.#layers.unask(peer);
    for (const { ask } of all) if (ask.what === 'piece') this.#unask(ask.number, peer);
  }

  #unask(piece: number, peer: SwarmPeer): void {
    const askers = this.#asked.get(piece);
    askers?.delete(peer);
    if (askers?.size !== 0) return;
    this.#asked.delete(piece);
    this.#reopen(piece);
  }

  /** It may be asked for again, unless it is here or still on its way. */
  #reopen(piece: number): void {
    const here = this.#stored.pieces.has(piece) || this.#trial.has(piece);
    if (here || this.#asked.has(piece) || this.#web?.isFetching(piece) === true) return;
    this.#open.giveBack(piece);
    this.pump();
  }

  /** Another peer fetches it from a server. */
  #elsewhere(piece: number): boolean {
    for (const peer of this.#holdings.peers) if (peer.isFetching(this.content, piece)) return true;
    return false;
  }

  /** Ends the fetch when nobody has what is missing, and nobody comes who has it. */
  #checkAlone(): void {
    const nowMs = this.#options.clock.now();
    const failure = this.#web?.failure ?? null;
    if (this.inFlight > 0 || this.#layers.active > 0 || (this.#web !== null && failure === null)) {
      this.#aloneSinceMs = null;
      return;
    }
    this.#aloneSinceMs ??= nowMs;
    const patienceMs = this.#options.searching() ? ALONE_MS : 2 * TICK_MS;
    if (nowMs - this.#aloneSinceMs >= patienceMs) this.#end(failure ?? nobodyHasIt());
  }

  #end(error: MeshError | null): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(error);
  }

  #stop(): void {
    this.#settle = null;
    this.#web?.close();
    for (const peer of this.#holdings.peers) peer.cancel(peer.of(this.content));
    this.#holdings.clear();
    this.#asked.clear();
  }
}

function aheadOf({ rate }: SwarmPeer): number {
  return Math.min(MAX_AHEAD, MIN_AHEAD + Math.floor((rate.perSecond * AHEAD_MS) / 1000 / PIECE_BYTES));
}

/** No bits at all: the peer lends nothing. */
function readPieces(count: number, bits: Uint8Array | null): PieceSet | null {
  if (bits?.byteLength === 0) return new PieceSet(count);
  if (bits !== null) return PieceSet.read(count, bits);
  const all = new PieceSet(count);
  all.fill();
  return all;
}

export function nobodyHasIt(): MeshError {
  return new MeshError(
    'model_not_found',
    'No volunteer who is here now has all of this model. Try again later, or take another.',
  );
}

function storeFailed(thrown: unknown): MeshError {
  return thrown instanceof MeshError
    ? thrown
    : new MeshError('storage_full', 'This device could not keep a part of the model. Make room, and try again.', {
        cause: thrown,
      });
}
