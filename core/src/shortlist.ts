/** Who may be asked next with one question: from the last match as long as its leases are good, then from another. */
import type { Breakers } from './breaker.ts';
import type { Clock } from './clock.ts';
import type { Leased } from './control-protocol.ts';
import type { MatchQuestion } from './control.ts';
import type { DeliveredAnswer } from './delivered-answer.ts';
import type { PeerId } from './ids.ts';
import type { Links } from './links.ts';
import { rank } from './route.ts';

/** Half of what the control plane's leases are good for. */
const FRESH_MS = 60_000;

export interface ShortlistNeeds {
  links: Links;
  breakers: Breakers;
  clock: Clock;
  random: () => number;
  /** Asks the control plane. */
  match: (question: MatchQuestion, signal: AbortSignal) => Promise<Leased[]>;
}

export class Shortlist {
  readonly #question: Omit<MatchQuestion, 'exclude'>;
  readonly #needs: ShortlistNeeds;
  readonly #closing = new AbortController();
  readonly #tried = new Set<PeerId>();
  /** Best first, nobody of them tried. */
  #candidates: Leased[] = [];
  #matchedMs = -Infinity;
  #standby: Leased | null = null;
  #releaseStandby: (() => void) | null = null;

  constructor(question: Omit<MatchQuestion, 'exclude'>, needs: ShortlistNeeds) {
    this.#question = question;
    this.#needs = needs;
  }

  /**
   * Whoever is best to begin, or to go on with `answer`; never the same twice. Null: nobody. Rejects with what the
   * control plane cannot be asked for.
   */
  async next(answer: DeliveredAnswer): Promise<Leased | null> {
    const next = this.#best(answer) ?? (await this.#match(), this.#best(answer)) ?? this.#lastResort(answer);
    if (next === null) return null;
    this.#tried.add(next.peerId);
    this.#candidates = this.#candidates.filter((other) => other !== next);
    if (next === this.#standby) this.#standby = null;
    return next;
  }

  /** Opens a link to whoever would go on with the answer, and watches it: it is there when it is needed. */
  warm(answer: DeliveredAnswer): void {
    if (this.#standby !== null) return;
    const standby = this.#best(answer);
    if (standby === null) return;
    this.#standby = standby;
    this.#needs.links.open(standby.peerId, this.#closing.signal).then(
      (channel) => {
        this.#releaseStandby?.();
        this.#releaseStandby = this.#closing.signal.aborted ? null : channel.hold(true);
      },
      () => {
        // Not to be reached: not to be counted on either.
        this.#candidates = this.#candidates.filter((other) => other !== standby);
        if (this.#standby === standby) this.#standby = null;
      },
    );
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#releaseStandby?.();
    this.#releaseStandby = null;
  }

  #best(answer: DeliveredAnswer): Leased | null {
    const { breakers, clock } = this.#needs;
    if (clock.now() - this.#matchedMs > FRESH_MS) return null;
    const usable = this.#candidates.filter((one) => continues(one, answer) && !breakers.isOpen(one.peerId));
    return usable.find((one) => one === this.#standby) ?? usable[0] ?? null;
  }

  /** Those that failed lately, when there is nobody else. */
  #lastResort(answer: DeliveredAnswer): Leased | null {
    return this.#candidates.find((one) => continues(one, answer)) ?? null;
  }

  async #match(): Promise<void> {
    const { match, links, random, clock } = this.#needs;
    const { only } = this.#question;
    const question = { ...this.#question, exclude: [...this.#tried] };
    const leased = await match(question, this.#closing.signal);
    // The server is asked to keep to `only`, and not trusted to.
    const allowed = only === null ? leased : leased.filter(({ peerId }) => only.includes(peerId));
    this.#candidates = rank(allowed, { exclude: this.#tried, rttMs: (peer) => links.rttMs(peer), random });
    this.#matchedMs = clock.now();
  }
}

function continues({ model }: Leased, answer: DeliveredAnswer): boolean {
  return answer.tokens === 0 || model.continues !== 'none';
}
