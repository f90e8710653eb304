/**
 * One model on its way here: the hashes of its pieces first, then its pieces, from several peers at once and, when they give
 * too little, from a server. It ends when every piece is here and right.
 */
import { onAbort } from '../../../base/abort.ts';
import type { Clock } from '../../../base/clock.ts';
import { cancelled, type MeshError } from '../../../base/errors.ts';
import { PieceMap } from '../../piece-map.ts';
import type { ContentId, StoredContent } from '../../piece-store.ts';
import type { FetchProgress, WebSource } from '../../swarm-port.ts';
import { Holdings } from './holdings.ts';
import { Intake } from './intake.ts';
import { LayerPull } from './layer-pull.ts';
import { PeerPull } from './peer-pull.ts';
import { PieceBuffers } from './piece-buffers.ts';
import { OpenPieces } from './piece-choice.ts';
import { RateMeter } from '../link/rate-meter.ts';
import { nobodyHasIt, storeFailed } from './swarm-errors.ts';
import type { SwarmPeer } from '../link/swarm-peer.ts';
import { WebPull } from './web-pull.ts';

const TICK_MS = 500;
/** Pieces of all fetches that are on their way, and so in memory. */
const MAX_IN_FLIGHT = 24;
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
  readonly #peers: PeerPull;
  readonly #intake: Intake;
  readonly #fromPeers: RateMeter;
  readonly #startMs: number;
  #loadedBytes = 0;
  #aloneSinceMs: number | null = null;
  #pumping = false;
  #settle: ((error: MeshError | null) => void) | null = null;

  constructor(options: DownloadOptions) {
    const { stored, web, clock, random } = options;
    this.#options = options;
    this.#stored = stored;
    this.#map = new PieceMap(stored.manifest);
    this.#open = new OpenPieces(this.#map.count);
    this.#holdings = new Holdings(this.#map.count);
    this.#fromPeers = new RateMeter(clock);
    this.#startMs = clock.now();
    const buffers = new PieceBuffers(MAX_IN_FLIGHT);
    this.#intake = new Intake({
      ...{ stored, map: this.#map },
      free: (bytes) => buffers.giveBack(bytes),
      arrived: (piece) => this.#arrived(piece),
      reopen: (piece) => this.#reopen(piece),
      failed: (thrown) => this.#end(storeFailed(thrown)),
    });
    const room = () => options.inFlight() < MAX_IN_FLIGHT;
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
            room,
          });
    this.#layers = new LayerPull({
      ...{ stored, map: this.#map, holdings: this.#holdings, web: this.#web },
      ban: (peer) => options.ban(peer),
      covered: (file) => this.#intake.judged(file),
      changed: () => this.pump(),
      failed: (thrown) => this.#end(storeFailed(thrown)),
    });
    this.#peers = new PeerPull({
      ...{ content: stored.content, map: this.#map, holdings: this.#holdings, open: this.#open },
      ...{ buffers, room, clock, random },
      covers: (file) => this.#layers.covers(file),
      slow: () => this.#web?.slow ?? [],
      keep: (piece, bytes, peer) => void this.#keep(piece, bytes, peer),
      reopen: (piece) => this.#reopen(piece),
      changed: () => this.pump(),
    });
  }

  get content(): ContentId {
    return this.#stored.content;
  }

  /** How many pieces are on their way. */
  get inFlight(): number {
    return this.#peers.asked.size + this.#intake.writing + (this.#web?.active ?? 0);
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
      await this.#intake.settled();
    }
  }

  /** The peer said what it has: null is everything. False: that cannot be so. */
  has(peer: SwarmPeer, bits: Uint8Array | null): boolean {
    if (!this.#holdings.set(peer, bits)) return false;
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
      this.#peers.pump(nowMs);
      this.#askWeb(nowMs);
    });
  }

  #tick(): void {
    for (const [peer, holding] of this.#holdings) if (this.#peers.judge(peer, holding)) this.#unaskAll(peer);
    this.#options.onProgress(this.progress);
    this.#checkAlone();
    this.pump();
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
          eligible: (one) => (any || this.#holdings.copies(one) === 0) && !this.#holdings.isFetched(this.content, one),
          copies: (one) => this.#holdings.copies(one),
          random: this.#options.random,
        });
        if (piece !== null) this.#open.take(piece);
        return (
          piece ??
          (any && this.#open.size === 0
            ? this.#peers.asked.late(web.rate.perSecond, (one) => !web.isFetching(one))
            : null)
        );
      },
    });
  }

  /** The bytes are here: checked and kept, or the one who sent them loses its place. False: they are wrong. */
  async #keep(piece: number, bytes: Uint8Array<ArrayBuffer>, peer: SwarmPeer | null): Promise<boolean> {
    const { byteLength } = bytes;
    const { file } = this.#map.place(piece);
    const right = await this.#intake.take(piece, bytes);
    if (peer !== null) {
      this.#peers.checked(peer, right);
      this.#peers.unask(piece, peer);
    }
    if (right === null) return true;
    if (!right) {
      this.#options.counted('wrong', byteLength);
      if (peer === null) this.#intake.judged(file);
      else this.#options.ban(peer);
      this.#reopen(piece);
      return false;
    }
    this.#options.counted(peer === null ? 'web' : 'peers', byteLength);
    if (peer !== null) this.#fromPeers.add(byteLength);
    this.#peers.asked.cancel(piece);
    this.#web?.cancel(piece);
    // With the last piece of a file, all of its pieces became right at once.
    if (this.#intake.kept(piece)) this.#layers.cover(file);
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

  #unaskAll(peer: SwarmPeer): void {
    this.#layers.unask(peer);
    this.#peers.unaskAll(peer);
  }

  /** It may be asked for again, unless it is here or still on its way. */
  #reopen(piece: number): void {
    if (this.#intake.has(piece) || this.#peers.asked.has(piece) || this.#web?.isFetching(piece) === true) return;
    this.#open.giveBack(piece);
    this.pump();
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
    this.#peers.asked.clear();
  }
}
