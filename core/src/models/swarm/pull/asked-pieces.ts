/** Whom each piece that is on its way was asked of, how long pieces take, and which of them somebody else is asked for, too. */
import type { Clock } from '../../../base/clock.ts';
import { isLate, PieceTimes } from './piece-times.ts';
import type { Pending, SwarmPeer } from '../link/swarm-peer.ts';

/** The most peers that are asked for the same piece. */
const MAX_ASKED = 3;
/**
 * How many pieces are asked for again at most: so many, and one more for each of these that came. Where this computer or its line
 * is what slows all of them down, everything seems late, and whatever comes twice makes the rest later.
 */
const [FREE_AGAIN, CAME_PER_AGAIN] = [4, 8];

export class AskedPieces {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #pieces = new Map<number, Map<SwarmPeer, Pending>>();
  readonly #times = new PieceTimes();
  #came = 0;
  #again = 0;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#pieces.size;
  }

  has(piece: number): boolean {
    return this.#pieces.has(piece);
  }

  /** It is about to be asked for. */
  reserve(piece: number): void {
    if (!this.#pieces.has(piece)) this.#pieces.set(piece, new Map());
  }

  /** It was asked for. Does nothing unless it was reserved, and is so still. */
  add(peer: SwarmPeer, pending: Pending): void {
    if (!peer.gone) this.#pieces.get(pending.ask.number)?.set(peer, pending);
  }

  /** The peer sent it just now: how long that took says which others are late. */
  came(piece: number, peer: SwarmPeer): void {
    this.#came += 1;
    const headMs = this.#pieces.get(piece)?.get(peer)?.headMs;
    if (headMs != null) this.#times.took(this.#clock.now() - headMs);
  }

  /** The peer is not asked for it any more. True: nor is anybody else. */
  forget(piece: number, peer: SwarmPeer): boolean {
    const askers = this.#pieces.get(piece);
    askers?.delete(peer);
    if (askers?.size !== 0) return false;
    this.#pieces.delete(piece);
    return true;
  }

  /** It is here: nobody has to send it any more. */
  cancel(piece: number): void {
    for (const [peer, pending] of this.#pieces.get(piece) ?? []) peer.cancel([pending]);
    this.#pieces.delete(piece);
  }

  clear(): void {
    this.#pieces.clear();
  }

  /**
   * A piece of the end game, to be asked for again: the last ones do not wait for the slowest. `ownRate`: what the other source
   * gives, in bytes per second. `askers`: whom it was asked of. Null: there is none, or enough were asked for again.
   */
  late(ownRate: number, eligible: (piece: number, askers: ReadonlyMap<SwarmPeer, Pending>) => boolean): number | null {
    if (this.#again >= FREE_AGAIN + this.#came / CAME_PER_AGAIN) return null;
    const how = { nowMs: this.#clock.now(), ownRate, usualMs: this.#times.usualMs };
    const late = [...this.#pieces].filter(
      ([piece, askers]) =>
        askers.size > 0 &&
        askers.size < MAX_ASKED &&
        eligible(piece, askers) &&
        [...askers].every(([peer, pending]) => isLate(peer, pending, how)),
    );
    const [piece = null] = late[Math.floor(this.#random() * late.length)] ?? [];
    if (piece !== null) this.#again += 1;
    return piece;
  }
}
