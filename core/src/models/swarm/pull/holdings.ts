/** Which peers have which pieces of one model, as they say, and who of them may be asked now. */
import { PieceSet } from '../../piece-set.ts';
import type { ContentId } from '../../piece-store.ts';
import type { SwarmPeer } from '../link/swarm-peer.ts';

/** Who is left alone is so for this long, and longer each time. */
const PAUSE_MS = 10_000;
/** So many pieces declined one after another count like silence. */
const MAX_DECLINED = 8;

export interface Holding {
  pieces: PieceSet;
  /** How often it sent nothing of what it was asked for. */
  stalls: number;
  /** How many pieces it declined since it last sent one. */
  declined: number;
  /** How many pieces of it are being checked. */
  checking: number;
  /** A piece of it was right: it may be asked for several at a time. */
  proven: boolean;
  /** It is not asked before. */
  pausedUntilMs: number;
  /** Lets the channel go, which is kept for as long as it is asked; null: it was not asked yet. */
  release: (() => void) | null;
}

export class Holdings {
  readonly #pieces: number;
  readonly #peers = new Map<SwarmPeer, Holding>();
  readonly #copies: Uint16Array;

  constructor(pieces: number) {
    this.#pieces = pieces;
    this.#copies = new Uint16Array(pieces);
  }

  [Symbol.iterator](): IterableIterator<[SwarmPeer, Holding]> {
    return this.#peers.entries();
  }

  get peers(): Iterable<SwarmPeer> {
    return this.#peers.keys();
  }

  /** How many have some of it. */
  get helpful(): number {
    let count = 0;
    for (const { pieces } of this.#peers.values()) if (pieces.count > 0) count++;
    return count;
  }

  get(peer: SwarmPeer): Holding | null {
    return this.#peers.get(peer) ?? null;
  }

  /** Those who may be asked now. */
  usable(nowMs: number): [SwarmPeer, Holding][] {
    return [...this.#peers].filter(([peer, { pausedUntilMs }]) => !peer.gone && pausedUntilMs <= nowMs);
  }

  /** How many have this piece. */
  copies(piece: number): number {
    return this.#copies[piece] ?? 0;
  }

  /** One of them fetches it from a server. */
  isFetched(content: ContentId, piece: number): boolean {
    for (const peer of this.#peers.keys()) if (peer.isFetching(content, piece)) return true;
    return false;
  }

  /** It said that it has these, and no others; null is everything, and no bits at all that it lends nothing. False: that cannot be so. */
  set(peer: SwarmPeer, bits: Uint8Array | null): boolean {
    const pieces = readPieces(this.#pieces, bits);
    if (pieces === null) return false;
    const holding = this.#peers.get(peer);
    this.#count(pieces, 1);
    if (holding === undefined)
      this.#peers.set(peer, {
        pieces,
        stalls: 0,
        declined: 0,
        checking: 0,
        proven: false,
        pausedUntilMs: 0,
        release: null,
      });
    else {
      this.#count(holding.pieces, -1);
      holding.pieces = pieces;
    }
    return true;
  }

  add(peer: SwarmPeer, piece: number): void {
    const pieces = this.#peers.get(peer)?.pieces;
    if (pieces === undefined || pieces.has(piece)) return;
    pieces.add(piece);
    this.#copies[piece] = this.copies(piece) + 1;
  }

  /** It said that it has this one, and does not send it. */
  lacks(peer: SwarmPeer, piece: number): void {
    const pieces = this.#peers.get(peer)?.pieces;
    if (pieces?.has(piece) !== true) return;
    pieces.delete(piece);
    this.#copies[piece] = this.copies(piece) - 1;
  }

  /** All of a piece came from it, and is being checked. */
  sent(peer: SwarmPeer): void {
    const holding = this.#peers.get(peer);
    if (holding !== undefined) holding.checking += 1;
  }

  /** The piece was checked. With the first right one it is proven: until then it could keep no more than one from others. */
  checked(peer: SwarmPeer, right: boolean): void {
    const holding = this.#peers.get(peer);
    if (holding === undefined) return;
    holding.checking -= 1;
    if (right) Object.assign(holding, { proven: true, declined: 0 });
  }

  /** Who claims what it does not give is not asked for the rest of its claims one after another. */
  declined(peer: SwarmPeer, nowMs: number): void {
    const holding = this.#peers.get(peer);
    if (holding === undefined) return;
    holding.declined += 1;
    if (holding.declined % MAX_DECLINED === 0) this.pause(holding, nowMs);
  }

  /** It is left alone for a while. */
  pause(holding: Holding, nowMs: number): void {
    holding.stalls += 1;
    holding.pausedUntilMs = nowMs + holding.stalls * PAUSE_MS;
  }

  delete(peer: SwarmPeer): void {
    const holding = this.#peers.get(peer);
    if (holding === undefined) return;
    this.#peers.delete(peer);
    this.#count(holding.pieces, -1);
    holding.release?.();
  }

  clear(): void {
    for (const peer of [...this.#peers.keys()]) this.delete(peer);
  }

  #count(pieces: PieceSet, by: 1 | -1): void {
    if (pieces.count === 0) return;
    for (let piece = 0; piece < pieces.size; piece++) {
      if (pieces.has(piece)) this.#copies[piece] = this.copies(piece) + by;
    }
  }
}

function readPieces(count: number, bits: Uint8Array | null): PieceSet | null {
  if (bits?.byteLength === 0) return new PieceSet(count);
  if (bits !== null) return PieceSet.read(count, bits);
  const all = new PieceSet(count);
  all.fill();
  return all;
}
