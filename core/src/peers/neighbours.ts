/**
 * A provider keeps links to a few other providers: through them peers are introduced to each other while the control
 * plane is away. Requesters have links only to providers, so without these nobody would have a mutual peer.
 */
import type { Clock } from '../base/clock.ts';
import type { KnownProviders } from './known-providers.ts';
import type { Links } from './links.ts';
import type { PeerExchange } from './peer-exchange.ts';

/** Well within the lifetime of an idle link. */
const LOOK_MS = 50_000;

export interface NeighboursOptions {
  links: Links;
  known: KnownProviders;
  exchange: PeerExchange;
  clock: Clock;
  random: () => number;
  /** The desired number of neighbours now. */
  wanted: () => number;
}

export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #closing = new AbortController();
  #stopTimer = () => {};

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#wait();
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#stopTimer();
  }

  #wait(): void {
    this.#stopTimer = this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      this.#wait();
    });
  }

  #look(): void {
    const { links, known, exchange, random, wanted } = this.#options;
    const most = wanted();
    if (most === 0) return;
    const providers = known.providers();
    const near = links.all().filter(({ peer }) => providers.has(peer));
    // Asking keeps the link alive at both ends, and the news fresh.
    for (const channel of near.slice(0, most)) exchange.ask(channel);
    if (near.length >= most) return;
    for (const { peer } of near) providers.delete(peer);
    const stranger = [...providers][Math.floor(random() * providers.size)];
    if (stranger === undefined) return;
    links.open(stranger, this.#closing.signal).catch(() => {
      // Unreachable; the next round may pick another.
    });
  }
}
