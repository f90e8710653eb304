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
import { choosePiece } from './piece-choice.ts';
import { RateMeter } from './rate-meter.ts';
import type { Ask, Pending, SwarmPeer } from './swarm-peer.ts';
import { WebPull } from './web-pull.ts';

const TICK_MS = 500;
/** Pieces of all fetches that are on their way, and so in memory. */
export const MAX_IN_FLIGHT = 24;
/** So much of one peer's rate is asked for beforehand. */
const AHEAD_MS = 1_000;
const [MIN_AHEAD, MAX_AHEAD] = [2, 12];
const MAX_LAYERS = 4;
/** A piece that takes longer than this, and much longer than pieces usually do, is asked from another, too. */
const LATE_MS = 3_000;
const LATE_TIMES = 4;
/** Without a byte for so long, a peer is asked for nothing more for as long, and longer each time. */
const STALLED_MS = 10_000;
/** The most peers that are asked for the same piece. */
const MAX_ASKED = 3;
/** Nobody who is here has what is missing: others may still come. */
const ALONE_MS = 30_000;

export interface DownloadOptions {
  stored: StoredContent;
  web: WebSource | null;
  /** How many pieces are on their way in all fetches. */
  inFlight: () => number;
  ban: (peer: SwarmPeer, content: ContentId) => void;
  /** Somebody is being looked for, or on the way. */
  searching: () => boolean;
  gained: (piece: number) => void;
  fetching: (pieces: number[]) => void;
  counted: (from: 'peers' | 'web' | 'wrong', bytes: number) => void;
  onProgress: (progress: FetchProgress) => void;
  clock: Clock;
  random: () => number;
}

/** What this fetch knows of one peer. */
interface View {
  pieces: PieceSet;
  stalls: number;
  /** It is not asked before. */
  pausedUntilMs: number;
  release: (() => void) | null;
}

export class Download {
  readonly content: ContentId;
  readonly map: PieceMap;
  readonly fromPeers: RateMeter;
  readonly #options: DownloadOptions;
  readonly #stored: StoredContent;
  readonly #web: WebPull | null;
  readonly #views = new Map<SwarmPeer, View>();
  /** How many peers have each piece. */
  readonly #copies: Uint16Array;
  readonly #asked = new Map<number, Map<SwarmPeer, Pending>>();
  /** Pieces that are being checked and kept. */
  readonly #writing = new Set<number>();
  /** Pieces that are kept, and that no hash covers yet. */
  readonly #trial = new Set<number>();
  /** Files whose hashes are here. */
  readonly #covered = new Set<number>();
  readonly #layers = new Map<number, SwarmPeer | null>();
  readonly #pieceMs: number[] = [];
  readonly #startMs: number;
  #loadedBytes = 0;
  #aloneSinceMs: number | null = null;
  #pumpAgain = false;
  #pumping = false;
  #settle: ((error: MeshError | null) => void) | null = null;

  constructor(options: DownloadOptions) {
    const { stored, web, clock } = options;
    this.#options = options;
    this.#stored = stored;
    this.content = stored.content;
    this.map = new PieceMap(stored.manifest);
    this.#copies = new Uint16Array(this.map.count);
    this.fromPeers = new RateMeter(clock);
    this.#startMs = clock.now();
    this.#web =
      web === null
        ? null
        : new WebPull({
            web,
            map: this.map,
            paths: stored.manifest.files.map(({ path }) => path),
            keep: (piece, bytes) => this.#keep(piece, bytes, null),
            changed: (pieces) => options.fetching(pieces),
            room: () => options.inFlight() < MAX_IN_FLIGHT,
            clock,
          });
  }

  /** How many pieces are on their way. */
  get inFlight(): number {
    return this.#asked.size + this.#writing.size + (this.#web?.active ?? 0);
  }

  get progress(): FetchProgress {
    let peers = 0;
    for (const { pieces } of this.#views.values()) if (pieces.count > 0) peers++;
    return {
      content: this.content,
      loadedBytes: this.#loadedBytes,
      sizeBytes: this.map.sizeBytes,
      fromPeers: this.fromPeers.total,
      fromWeb: this.#web?.rate.total ?? 0,
      peers,
    };
  }

  /** Resolves when all pieces are here. Rejects as `Swarm.fetch` does; what has come is kept. */
  async run(signal: AbortSignal): Promise<void> {
    const { pieces } = this.#stored;
    for (let piece = 0; piece < this.map.count; piece++) {
      if (pieces.has(piece)) this.#loadedBytes += this.map.place(piece).sizeBytes;
    }
    for (let file = 0; file < this.map.files; file++) {
      const single = this.map.end(file) - this.map.first(file) === 1;
      if (single || (await this.#stored.layer(file)) !== null) this.#covered.add(file);
    }
    if (pieces.full) return;
    if (signal.aborted) throw cancelled();
    let stopTimer = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => (error === null ? resolve() : reject(error));
        onAbort(signal, () => this.#end(cancelled()));
        const tick = () => {
          stopTimer = this.#options.clock.after(TICK_MS, tick);
          this.#tick();
        };
        tick();
      });
    } finally {
      stopTimer();
      this.#stop();
    }
  }

  /** The peer said what it has: null is everything. False: that cannot be so. */
  has(peer: SwarmPeer, bits: Uint8Array | null): boolean {
    const pieces = bits?.byteLength === 0 ? new PieceSet(this.map.count) : readPieces(this.map.count, bits);
    if (pieces === null) return false;
    const view = this.#views.get(peer);
    if (view !== undefined) this.#count(view.pieces, -1);
    this.#count(pieces, 1);
    const release = view?.release ?? null;
    if (view === undefined) this.#views.set(peer, { pieces, stalls: 0, pausedUntilMs: 0, release });
    else view.pieces = pieces;
    this.pump();
    return true;
  }

  /** False: there is no such piece. */
  hasNow(peer: SwarmPeer, pieces: readonly number[]): boolean {
    const view = this.#views.get(peer);
    if (view === undefined) return true;
    this.#aloneSinceMs = null;
    for (const piece of pieces) {
      if (piece >= this.map.count) return false;
      if (view.pieces.has(piece)) continue;
      view.pieces.add(piece);
      this.#copies[piece] = (this.#copies[piece] ?? 0) + 1;
    }
    this.pump();
    return true;
  }

  /** It is gone, or may not be asked any more. */
  drop(peer: SwarmPeer): void {
    const view = this.#views.get(peer);
    if (view === undefined) return;
    this.#views.delete(peer);
    this.#count(view.pieces, -1);
    view.release?.();
    const pending = peer.of(this.content);
    peer.cancel(pending);
    for (const { ask } of pending) this.#unasked(peer, ask);
    this.pump();
  }

  /** Asks for more wherever there is room, once, however often it is called meanwhile. */
  pump(): void {
    if (this.#settle === null) return;
    this.#pumpAgain = true;
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      if (!this.#pumpAgain || this.#settle === null) return;
      this.#pumpAgain = false;
      this.#askLayers();
      this.#askPieces();
      this.#askWeb();
    });
  }

  #tick(): void {
    for (const [peer, view] of this.#views) this.#judge(peer, view);
    this.#options.onProgress(this.progress);
    this.#checkAlone();
    this.pump();
  }

  /** Who sends nothing is left alone for a while. */
  #judge(peer: SwarmPeer, view: View): void {
    const nowMs = this.#options.clock.now();
    const own = peer.of(this.content);
    const [head] = own;
    if (head?.headMs == null || nowMs - head.headMs < STALLED_MS || peer.rate.perSecond > 0) return;
    view.stalls += 1;
    view.pausedUntilMs = nowMs + view.stalls * STALLED_MS;
    peer.cancel(own);
    for (const { ask } of own) this.#unasked(peer, ask);
  }

  /** Hashes of pieces, from peers that have pieces which they cover, or from the server. */
  #askLayers(): void {
    for (let file = 0; file < this.map.files && this.#layers.size < MAX_LAYERS; file++) {
      if (this.#covered.has(file) || this.#layers.has(file)) continue;
      const peer = this.#usable().find(([, { pieces }]) => this.#hasSome(pieces, file))?.[0];
      if (peer !== undefined) this.#askLayer(file, peer);
      else if (this.#web?.hasLayers === true) void this.#webLayer(file, this.#web);
    }
  }

  #askLayer(file: number, peer: SwarmPeer): void {
    this.#layers.set(file, peer);
    const done = () => {
      this.#layers.delete(file);
      this.pump();
    };
    peer.ask(this.content, [
      {
        content: this.content,
        what: 'layer',
        number: file,
        sizeBytes: this.map.layerBytes(file),
        failed: () => {
          this.#lacks(peer, file);
          done();
        },
        got: async (layer) => {
          if (!(await this.#keepLayer(file, layer))) this.#options.ban(peer, this.content);
          done();
        },
      },
    ]);
  }

  async #webLayer(file: number, web: WebPull): Promise<void> {
    this.#layers.set(file, null);
    const layer = await web.layer(file);
    if (layer !== null && !(await this.#keepLayer(file, layer))) web.hasLayers = false;
    this.#layers.delete(file);
    this.pump();
  }

  async #keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    try {
      if (layer.byteLength !== this.map.layerBytes(file) || !(await this.#stored.keepLayer(file, layer))) return false;
      this.#covered.add(file);
      this.#recount(file);
    } catch (thrown) {
      this.#end(storeFailed(thrown));
    }
    return true;
  }

  #askPieces(): void {
    const batches = new Map<SwarmPeer, Ask[]>();
    // In turns, so that whoever comes first does not get everything that may be on its way.
    let peers = this.#usable().toSorted(([a], [b]) => a.pending - b.pending);
    while (peers.length > 0) {
      peers = peers.filter(([peer, view]) => {
        const batch = batches.get(peer) ?? [];
        const ahead = peer.pending + batch.length;
        const piece = ahead < this.#ahead(peer) ? this.#choose(peer, view, ahead === 0) : null;
        if (piece === null) return false;
        batches.set(peer, [...batch, this.#askFor(piece, peer)]);
        return true;
      });
    }
    for (const [peer, batch] of batches) {
      const view = this.#views.get(peer);
      if (view !== undefined) view.release ??= peer.channel.hold(true);
      for (const pending of peer.ask(this.content, batch)) this.#askedOf(pending.ask.number).set(peer, pending);
    }
  }

  #askFor(piece: number, peer: SwarmPeer): Ask {
    // Known before the want is sent, so that nobody else is asked.
    this.#askedOf(piece);
    const ask: Ask = {
      content: this.content,
      what: 'piece',
      number: piece,
      sizeBytes: this.map.place(piece).sizeBytes,
      got: (bytes) => {
        const headMs = this.#asked.get(piece)?.get(peer)?.headMs;
        if (headMs != null) this.#took(this.#options.clock.now() - headMs);
        this.#unasked(peer, ask);
        void this.#keep(piece, bytes, peer);
        this.pump();
      },
      failed: () => {
        this.#unasked(peer, ask);
        const view = this.#views.get(peer);
        // It said that it has it; for this fetch it has not.
        if (view?.pieces.has(piece) === true) {
          view.pieces.delete(piece);
          this.#copies[piece] = (this.#copies[piece] ?? 1) - 1;
        }
        this.pump();
      },
    };
    return ask;
  }

  /** `idle`: it has nothing else to send, so that a piece that others are late with may be asked of it, too. */
  #choose(peer: SwarmPeer, { pieces }: View, idle: boolean): number | null {
    const mayStart = this.#options.inFlight() < MAX_IN_FLIGHT;
    const eligible = (piece: number) => pieces.has(piece) && this.#missing(piece) && this.#coveredPiece(piece);
    const { random } = this.#options;
    const copies = (piece: number) => this.#copies[piece] ?? 0;
    const fresh = mayStart
      ? choosePiece({
          count: this.map.count,
          eligible: (piece) => eligible(piece) && !this.#asked.has(piece) && this.#web?.isFetching(piece) !== true,
          copies,
          random,
        })
      : null;
    if (fresh !== null || !idle) return fresh;
    // The end game: the last pieces do not wait for the slowest.
    const again = [...this.#asked].filter(
      ([piece, askers]) =>
        eligible(piece) &&
        askers.size > 0 &&
        askers.size < MAX_ASKED &&
        !askers.has(peer) &&
        [...askers].every(([other, one]) => this.#late(other, one, peer)),
    );
    const fromWeb =
      mayStart && !again.length
        ? (this.#web?.slow ?? []).filter((piece) => eligible(piece) && !this.#asked.has(piece))
        : [];
    return again[Math.floor(random() * again.length)]?.[0] ?? fromWeb[0] ?? null;
  }

  /** Whether `by` would most likely have it much earlier. */
  #late(other: SwarmPeer, pending: Pending, by: SwarmPeer): boolean {
    const nowMs = this.#options.clock.now();
    const ageMs = pending.headMs === null ? 0 : nowMs - pending.headMs;
    const left = pending.ask.sizeBytes - pending.assembly.receivedBytes;
    const usualMs = this.#usualMs;
    if (ageMs > LATE_MS && usualMs !== null && ageMs > LATE_TIMES * usualMs) return true;
    const otherRate = other.rate.perSecond;
    if (otherRate === 0) return ageMs > LATE_MS;
    const before = pending.headMs === null ? other.pending * PIECE_BYTES : left;
    const ownMs = by.rate.perSecond === 0 ? (usualMs ?? LATE_MS) : (PIECE_BYTES / by.rate.perSecond) * 1000;
    return (before / otherRate) * 1000 > 2 * ownMs + TICK_MS;
  }

  #askWeb(): void {
    if (this.#web === null) return;
    const web = this.#web;
    const missing = (piece: number) => this.#missing(piece) && !this.#asked.has(piece) && !web.isFetching(piece);
    const useful = this.#usable().some(([, { pieces }]) => pieces.count > 0 && this.#useful(pieces));
    web.pump({
      state: {
        elapsedMs: this.#options.clock.now() - this.#startMs,
        useful,
        peerRate: this.fromPeers.perSecond,
      },
      choose: (any) =>
        choosePiece({
          count: this.map.count,
          eligible: (piece) => missing(piece) && (any || this.#copies[piece] === 0) && !this.#elsewhere(piece),
          copies: (piece) => this.#copies[piece] ?? 0,
          random: this.#options.random,
        }),
    });
  }

  /** The bytes are here: checked and kept, or the one who sent them loses its place. False: they are wrong. */
  async #keep(piece: number, bytes: Uint8Array<ArrayBuffer>, peer: SwarmPeer | null): Promise<boolean> {
    const { byteLength } = bytes;
    if (!this.#missing(piece)) return true;
    this.#writing.add(piece);
    let right: boolean;
    try {
      right = await this.#stored.write(piece, bytes);
    } catch (thrown) {
      this.#end(storeFailed(thrown));
      return true;
    } finally {
      this.#writing.delete(piece);
    }
    if (!right) {
      this.#options.counted('wrong', byteLength);
      if (peer !== null) this.#options.ban(peer, this.content);
      else this.#recount(this.map.place(piece).file);
      this.pump();
      return false;
    }
    this.#options.counted(peer === null ? 'web' : 'peers', byteLength);
    if (peer !== null) this.fromPeers.add(byteLength);
    this.#cancelOthers(piece);
    const { file } = this.map.place(piece);
    if (!this.#stored.pieces.has(piece)) this.#trial.add(piece);
    else {
      this.#arrived(piece);
      // With the last piece of a file, all of its pieces became right at once.
      if (!this.#covered.has(file)) {
        this.#covered.add(file);
        this.#recount(file);
      }
    }
    this.pump();
    return true;
  }

  #arrived(piece: number): void {
    this.#loadedBytes += this.map.place(piece).sizeBytes;
    this.#options.gained(piece);
    this.#options.onProgress(this.progress);
    if (this.#stored.pieces.full) this.#end(null);
  }

  /** The hashes of a file came, or its pieces turned out wrong: none of its pieces is on trial any more. */
  #recount(file: number): void {
    for (let piece = this.map.first(file); piece < this.map.end(file); piece++) {
      if (this.#trial.delete(piece) && this.#stored.pieces.has(piece)) this.#arrived(piece);
    }
  }

  #cancelOthers(piece: number): void {
    for (const [peer, pending] of this.#asked.get(piece) ?? []) peer.cancel([pending]);
    this.#asked.delete(piece);
    this.#web?.cancel(piece);
  }

  #unasked(peer: SwarmPeer, { what, number }: Ask): void {
    if (what === 'layer') {
      if (this.#layers.get(number) === peer) this.#layers.delete(number);
      return;
    }
    const askers = this.#asked.get(number);
    askers?.delete(peer);
    if (askers?.size === 0) this.#asked.delete(number);
  }

  #askedOf(piece: number): Map<SwarmPeer, Pending> {
    let askers = this.#asked.get(piece);
    if (askers === undefined) this.#asked.set(piece, (askers = new Map()));
    return askers;
  }

  #usable(): [SwarmPeer, View][] {
    const nowMs = this.#options.clock.now();
    return [...this.#views].filter(([peer, view]) => !peer.gone && view.pausedUntilMs <= nowMs);
  }

  #ahead(peer: SwarmPeer): number {
    return Math.min(MAX_AHEAD, MIN_AHEAD + Math.floor((peer.rate.perSecond * AHEAD_MS) / 1000 / PIECE_BYTES));
  }

  #missing(piece: number): boolean {
    return !this.#stored.pieces.has(piece) && !this.#writing.has(piece) && !this.#trial.has(piece);
  }

  #coveredPiece(piece: number): boolean {
    return this.#covered.has(this.map.place(piece).file);
  }

  #useful(pieces: PieceSet): boolean {
    for (let piece = 0; piece < this.map.count; piece++) if (pieces.has(piece) && this.#missing(piece)) return true;
    return false;
  }

  #hasSome(pieces: PieceSet, file: number): boolean {
    for (let piece = this.map.first(file); piece < this.map.end(file); piece++) if (pieces.has(piece)) return true;
    return false;
  }

  /** It has no hashes of this file, so none of its pieces either. */
  #lacks(peer: SwarmPeer, file: number): void {
    const view = this.#views.get(peer);
    if (view === undefined) return;
    for (let piece = this.map.first(file); piece < this.map.end(file); piece++) {
      if (!view.pieces.has(piece)) continue;
      view.pieces.delete(piece);
      this.#copies[piece] = (this.#copies[piece] ?? 1) - 1;
    }
  }

  /** Another peer fetches it from a server. */
  #elsewhere(piece: number): boolean {
    for (const peer of this.#views.keys()) if (peer.isFetching(this.content, piece)) return true;
    return false;
  }

  #count(pieces: PieceSet, by: 1 | -1): void {
    if (pieces.count === 0) return;
    for (let piece = 0; piece < this.map.count; piece++) {
      if (pieces.has(piece)) this.#copies[piece] = (this.#copies[piece] ?? 0) + by;
    }
  }

  #took(ms: number): void {
    this.#pieceMs.push(ms);
    if (this.#pieceMs.length > 16) this.#pieceMs.shift();
  }

  /** The median of the last pieces; null: none came yet. */
  get #usualMs(): number | null {
    return this.#pieceMs.toSorted((a, b) => a - b)[this.#pieceMs.length >> 1] ?? null;
  }

  /** Ends the fetch when nobody has what is missing, and nobody comes who has it. */
  #checkAlone(): void {
    const nowMs = this.#options.clock.now();
    const alone = this.inFlight === 0 && this.#layers.size === 0;
    if (!alone) this.#aloneSinceMs = null;
    else this.#aloneSinceMs ??= nowMs;
    const failure = this.#web?.failure ?? null;
    if (this.#aloneSinceMs === null || (this.#web !== null && failure === null)) return;
    const patienceMs = this.#options.searching() ? ALONE_MS : 2 * TICK_MS;
    if (nowMs - this.#aloneSinceMs < patienceMs) return;
    this.#end(failure ?? nobodyHasIt());
  }

  #end(error: MeshError | null): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(error);
  }

  #stop(): void {
    this.#settle = null;
    this.#web?.close();
    for (const [peer, view] of this.#views) {
      peer.cancel(peer.of(this.content));
      view.release?.();
    }
    this.#views.clear();
    this.#asked.clear();
  }
}

function readPieces(count: number, bits: Uint8Array | null): PieceSet | null {
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
