/** What one fetch asks of peers: of each as many pieces as it sends soon, the rarest first, and late ones of somebody else, too. */
import type { Clock } from '../../../base/clock.ts';
import { PIECE_BYTES } from '../../manifest.ts';
import type { PieceMap } from '../../piece-map.ts';
import type { PieceSet } from '../../piece-set.ts';
import type { ContentId } from '../../piece-store.ts';
import { AskedPieces } from './asked-pieces.ts';
import type { Holding, Holdings } from './holdings.ts';
import type { PieceBuffers } from './piece-buffers.ts';
import type { OpenPieces } from './piece-choice.ts';
import { Trials } from './trials.ts';
import type { Ask, SwarmPeer } from '../link/swarm-peer.ts';

/** So much of one peer's rate is asked for beforehand. */
const AHEAD_MS = 1_000;
const [MIN_AHEAD, MAX_AHEAD] = [3, 12];
/** Without a byte for so long, a peer is asked for nothing more. */
const STALLED_MS = 10_000;
/** Whoever has not sent its first piece by then keeps nobody else from being tried. */
const TRIAL_MS = 1_000;

export interface PeerPullOptions {
  content: ContentId;
  map: PieceMap;
  holdings: Holdings;
  /** Taken from when a piece is asked for. */
  open: OpenPieces;
  buffers: PieceBuffers;
  /** The hashes of this file's pieces are here. */
  covers: (file: number) => boolean;
  /** Another piece may be on its way. */
  room: () => boolean;
  /** Pieces that have been on their way from a server for long. */
  slow: () => readonly number[];
  /** All of a piece came. */
  keep: (piece: number, bytes: Uint8Array<ArrayBuffer>, peer: SwarmPeer) => void;
  /** Nobody is asked for it any more. */
  reopen: (piece: number) => void;
  /** Something else may be asked for. */
  changed: () => void;
  clock: Clock;
  random: () => number;
}

export class PeerPull {
  readonly asked: AskedPieces;
  readonly #options: PeerPullOptions;
  readonly #trials = new Trials();

  constructor(options: PeerPullOptions) {
    this.#options = options;
    this.asked = new AskedPieces(options.clock, options.random);
  }

  /** Asks for as much as there is room for. */
  pump(nowMs: number): void {
    const { content, holdings, open } = this.#options;
    const batches = new Map<SwarmPeer, Ask[]>();
    // In turns, so that whoever comes first does not get everything that may be on its way.
    const usable = holdings.usable(nowMs);
    const proven = usable.some(([, holding]) => holding.proven);
    let asked = usable.filter(([peer, holding]) => !holding.proven && isFresh(peer, nowMs)).length;
    let peers = usable.toSorted(([a], [b]) => a.pending - b.pending);
    while (peers.length > 0) {
      peers = peers.filter(([peer, holding]) => {
        const batch = batches.get(peer) ?? [];
        const ahead = peer.pending + batch.length;
        if (holding.proven ? ahead >= aheadOf(peer) : ahead + holding.checking >= 1) return false;
        if (!holding.proven && !this.#trials.allows(nowMs, { asked, proven })) return false;
        const piece = this.#choose(peer, holding.pieces, ahead < 2);
        if (piece === null) return false;
        if (!holding.proven) {
          asked += 1;
          this.#trials.began(nowMs);
        }
        open.take(piece);
        this.asked.reserve(piece);
        batches.set(peer, [...batch, this.#askFor(piece, peer)]);
        return true;
      });
    }
    for (const [peer, batch] of batches) {
      const holding = holdings.get(peer);
      if (holding !== null) holding.release ??= peer.channel.hold(true);
      for (const pending of peer.ask(content, batch)) this.asked.add(peer, pending);
    }
  }

  /** Who sends nothing is left alone for a while. True: this one is from now on, and is not asked for anything any more. */
  judge(peer: SwarmPeer, holding: Holding): boolean {
    const { content, clock, holdings } = this.#options;
    const [head] = peer.of(content);
    if (head?.headMs == null || clock.now() - head.headMs < STALLED_MS || peer.rate.perSecond > 0) return false;
    holdings.pause(holding, clock.now());
    return true;
  }

  /** A piece that this peer sent was checked; null: it was not needed any more, or could not be kept. */
  checked(peer: SwarmPeer, right: boolean | null): void {
    if (right !== null) this.#trials.came(right);
    this.#options.holdings.checked(peer, right === true);
  }

  /** The peer is asked for nothing of this any more. */
  unaskAll(peer: SwarmPeer): void {
    const all = peer.of(this.#options.content);
    peer.cancel(all);
    for (const { ask } of all) if (ask.what === 'piece') this.unask(ask.number, peer);
  }

  unask(piece: number, peer: SwarmPeer): void {
    if (this.asked.forget(piece, peer)) this.#options.reopen(piece);
  }

  #askFor(piece: number, peer: SwarmPeer): Ask {
    const { content, map, buffers, holdings, keep, changed, clock } = this.#options;
    const { sizeBytes } = map.place(piece);
    return {
      ...{ content, what: 'piece', number: piece, sizeBytes },
      buffer: () => buffers.take(sizeBytes),
      got: (bytes) => {
        this.asked.came(piece, peer);
        holdings.sent(peer);
        keep(piece, bytes, peer);
        changed();
      },
      failed: () => {
        holdings.lacks(peer, piece);
        holdings.declined(peer, clock.now());
        this.unask(piece, peer);
        changed();
      },
    };
  }

  /** `idle`: it has hardly anything to send, so that a piece that others are late with may be asked of it, too. */
  #choose(peer: SwarmPeer, pieces: PieceSet, idle: boolean): number | null {
    const { random, room, open, holdings, map, covers, slow } = this.#options;
    const eligible = (piece: number) => pieces.has(piece) && covers(map.place(piece).file);
    if (room()) {
      const fresh = open.choose({ eligible, copies: (piece) => holdings.copies(piece), random });
      if (fresh !== null) return fresh;
      const late = idle ? slow().find((piece) => eligible(piece) && !this.asked.has(piece)) : undefined;
      if (late !== undefined) return late;
    }
    // While something is neither here nor on its way, no piece holds up the end.
    if (!idle || open.size > 0) return null;
    return this.asked.late(peer.rate.perSecond, (piece, askers) => eligible(piece) && !askers.has(peer));
  }
}

/** It was asked just now. */
function isFresh(peer: SwarmPeer, nowMs: number): boolean {
  const headMs = peer.head?.headMs ?? null;
  return headMs !== null && nowMs - headMs < TRIAL_MS;
}

function aheadOf({ rate }: SwarmPeer): number {
  return Math.min(MAX_AHEAD, MIN_AHEAD + Math.floor((rate.perSecond * AHEAD_MS) / 1000 / PIECE_BYTES));
}
