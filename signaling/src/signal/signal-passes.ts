/** Who may open a socket on `/signal` under which id: a token for each proven session on `/mesh`, good a while longer. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';

/** A peer whose connections break together may come back to `/signal` first. */
export const GRACE_MS = 60_000;
const TOKEN_BYTES = 16;
/** Ended sessions remembered; of more, the oldest are forgotten. */
const MAX_ENDED = 20_000;

export class SignalPasses {
  readonly #clock: Clock;
  readonly #live = new Map<string, PeerId>();
  /** In the order in which they run out. */
  readonly #ended = new Map<string, { peer: PeerId; untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(peer: PeerId): string {
    const token = toBase32(randomBytes(TOKEN_BYTES));
    this.#live.set(token, peer);
    return token;
  }

  /** The session is over. */
  end(token: string): void {
    const peer = this.#live.get(token);
    if (peer === undefined) return;
    this.#live.delete(token);
    const now = this.#clock.now();
    this.#ended.set(token, { peer, untilMs: now + GRACE_MS });
    for (const [oldest, { untilMs }] of this.#ended) {
      if (untilMs > now && this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
  }

  admits(peer: PeerId, token: string): boolean {
    if (this.#live.get(token) === peer) return true;
    const ended = this.#ended.get(token);
    return ended !== undefined && ended.peer === peer && ended.untilMs > this.#clock.now();
  }
}
