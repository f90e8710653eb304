/**
 * How often something may be done: by one identity, and by the networks it comes from, which have more between them all.
 * Where its network has used up what it may, somebody who has hardly asked yet is let in even so: not all behind one router
 * are the same.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Rate } from '@llmesh/core/base/token-bucket';
import { AddressBuckets } from './address-buckets.ts';
import type { Networks } from './address.ts';

export interface NetworkRates {
  readonly peer: Rate;
  readonly narrow: Rate;
  readonly wide: Rate;
  /** For those of a wide network that has used up the others who have asked for no more than `light` lately. */
  readonly spare: Rate;
  readonly light: number;
}

export class NetworkRate {
  readonly #rates: NetworkRates;
  readonly #peers: AddressBuckets;
  readonly #narrow: AddressBuckets;
  readonly #wide: AddressBuckets;
  readonly #spare: AddressBuckets;

  constructor(clock: Clock, rates: NetworkRates) {
    this.#rates = rates;
    this.#peers = new AddressBuckets(clock, rates.peer);
    this.#narrow = new AddressBuckets(clock, rates.narrow);
    this.#wide = new AddressBuckets(clock, rates.wide);
    this.#spare = new AddressBuckets(clock, rates.spare);
  }

  /** `about`: what has a rate of its own. */
  take(peer: string, { narrow, wide }: Networks, about = '', cost = 1): boolean {
    const key = (who: string) => `${about} ${who}`;
    if (!this.#peers.take(key(peer), cost)) return false;
    if (this.#narrow.level(key(narrow)) >= cost && this.#wide.level(key(wide)) >= cost) {
      return this.#narrow.take(key(narrow), cost) && this.#wide.take(key(wide), cost);
    }
    const { light, peer: own } = this.#rates;
    return this.#peers.level(key(peer)) >= own.burst - light && this.#spare.take(key(wide), cost);
  }
}

/** So many times as much of everything, but for what one identity may. */
export function scaled({ peer, light, ...networks }: NetworkRates, factor: number): NetworkRates {
  const { narrow, wide, spare } = networks;
  const times = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * factor, burst: burst * factor });
  return { peer, light, narrow: times(narrow), wide: times(wide), spare: times(spare) };
}
