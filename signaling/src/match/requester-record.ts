/**
 * Which requesters use the slots kept for them, and which waste them. One waste is fine: a dial fails, a person goes
 * away. A requester that does it again gets slots kept only for an instant, and the more often it was, the longer that
 * lasts. In a network with much waste, the same holds for a requester that has begun nothing yet: there identities are
 * made for it.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { FadingTally } from '../sockets/fading-tally.ts';
import type { Holder } from '../sockets/shares.ts';

const WASTE_HALF_LIFE_MS = 60_000;
/** How long a requester that began something is known for it. Seldom refreshed: every match comes through here. */
const KNOWN_MS = 600_000;
const NOTED_EVERY_MS = 60_000;
/** The most peers remembered; those noted longest ago are forgotten first. */
const MAX_KNOWN = 20_000;
/** The second time within a few seconds. */
const DOUBTFUL = 1.8;
/** After this many, an identity that stops is trusted again after six minutes. */
const MOST_WASTE = 100;
/** A class behind one router that lets nothing through fails to dial, too; each of them then tries another provider. */
const CROWDED_NARROW = 8;
const CROWDED_WIDE = 32;

/** `crowded`: nothing is known about it except that its network wastes slots. */
export type Repute = 'known' | 'new' | 'crowded' | 'doubted';

export class RequesterRecord {
  readonly #wasted: FadingTally;
  /** By requester and provider: a task makes up only for waste at its provider, or two in league could clear it all. */
  readonly #wastedAt: FadingTally;
  readonly #clock: Clock;
  /** When each last began something, in the order of these notes. */
  readonly #begun = new BoundedMap<PeerId, number>(MAX_KNOWN);

  constructor(clock: Clock) {
    this.#wasted = new FadingTally(clock, WASTE_HALF_LIFE_MS);
    this.#wastedAt = new FadingTally(clock, WASTE_HALF_LIFE_MS);
    this.#clock = clock;
  }

  of({ peer, from }: Holder): Repute {
    if (this.#wasted.of(peer) >= DOUBTFUL) return 'doubted';
    if (this.#clock.now() - (this.#begun.get(peer) ?? -Infinity) < KNOWN_MS) return 'known';
    const crowded = this.#wasted.of(from.narrow) >= CROWDED_NARROW || this.#wasted.of(from.wide) >= CROWDED_WIDE;
    return crowded ? 'crowded' : 'new';
  }

  /** A slot of this provider was kept for it, and nothing came. */
  wasted({ peer, from }: Holder, provider: PeerId): void {
    for (const key of new Set([peer, from.narrow, from.wide])) this.#wasted.add(key, 1, MOST_WASTE);
    this.#wastedAt.add(pair(peer, provider), 1, MOST_WASTE);
  }

  /** A task of its is running at this provider, or did. */
  began(peer: PeerId, provider: PeerId): void {
    this.#note(peer);
    if (this.#wasted.of(peer) === 0 || this.#wastedAt.of(pair(peer, provider)) === 0) return;
    this.#wastedAt.add(pair(peer, provider), -1);
    this.#wasted.add(peer, -1);
  }

  #note(peer: PeerId): void {
    const now = this.#clock.now();
    if (now - (this.#begun.get(peer) ?? -Infinity) < NOTED_EVERY_MS) return;
    this.#begun.set(peer, now);
  }
}

function pair(peer: PeerId, provider: PeerId): string {
  return `${peer} ${provider}`;
}
