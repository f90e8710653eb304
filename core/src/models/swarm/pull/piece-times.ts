/** How long pieces take, and which of them take so long that another peer is asked, too. */
import { PIECE_BYTES } from '../../manifest.ts';
import type { Pending, SwarmPeer } from '../link/swarm-peer.ts';

const KEPT = 16;
/** A piece that takes longer than this, and so many times longer than pieces usually do, is late. */
const LATE_MS = 3_000;
const LATE_TIMES = 4;
/** What a rate that was measured just now may be wrong by. */
const SLACK_MS = 500;

export class PieceTimes {
  readonly #ms: number[] = [];

  took(ms: number): void {
    this.#ms.push(ms);
    if (this.#ms.length > KEPT) this.#ms.shift();
  }

  /** The median of the last pieces; null: none came yet. */
  get usualMs(): number | null {
    return this.#ms.toSorted((a, b) => a - b)[this.#ms.length >> 1] ?? null;
  }
}

/** Whether another source would have the piece much earlier than the peer that it was asked of; `ownRate`: what it gives, in bytes per second. */
export function isLate(
  of: SwarmPeer,
  { ask, assembly, headMs }: Pending,
  { nowMs, ownRate, usualMs }: { nowMs: number; ownRate: number; usualMs: number | null },
): boolean {
  const ageMs = headMs === null ? 0 : nowMs - headMs;
  if (ageMs > LATE_MS && usualMs !== null && ageMs > LATE_TIMES * usualMs) return true;
  const rate = of.rate.perSecond;
  // Others would have sent all of it by now.
  if (rate === 0) return ageMs > SLACK_MS + (usualMs ?? LATE_MS);
  const leftBytes = headMs === null ? of.pending * PIECE_BYTES : ask.sizeBytes - assembly.receivedBytes;
  const ownMs = ownRate === 0 ? (usualMs ?? LATE_MS) : (PIECE_BYTES / ownRate) * 1000;
  return (leftBytes / rate) * 1000 > 2 * ownMs + SLACK_MS;
}
