/** Which identities have paid for joining, so that each pays once and not with every reconnection. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';

/** Counted from the last time that the peer joined. */
export const PAID_FOR_MS = 12 * 3_600_000;
/** Identities remembered; of more, the oldest are forgotten and pay again. */
const MAX_PAID = 50_000;

export class PaidWork {
  readonly #clock: Clock;
  /** Until when, in that order. */
  readonly #paid = new Map<PeerId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(peer: PeerId): boolean {
    return (this.#paid.get(peer) ?? -Infinity) > this.#clock.now();
  }

  add(peer: PeerId): void {
    const now = this.#clock.now();
    this.#paid.delete(peer);
    this.#paid.set(peer, now + PAID_FOR_MS);
    for (const [oldest, untilMs] of this.#paid) {
      if (untilMs > now && this.#paid.size <= MAX_PAID) break;
      this.#paid.delete(oldest);
    }
  }
}
