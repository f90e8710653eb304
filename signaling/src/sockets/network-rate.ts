/**
 * How often something may be done: by one identity, and by the networks it comes from, which may do more in total. When
 * its network has used up its share, a peer that has hardly asked yet is still let in: not all behind one router are
 * the same.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Rate } from '@llmesh/core/base/token-bucket';
import { AddressBuckets } from './address-buckets.ts';
import type { Networks } from './address.ts';

export interface NetworkRates {
  readonly peer: Rate;
  readonly narrow: Rate;
  readonly wide: Rate;
  /** For peers of a wide network over its limit that have asked for no more than `light` lately. */
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

  /** `about`: a subject with a rate of its own. */
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

/** Multiplies everything but the rate of one identity. */
export function scaled({ peer, light, ...networks }: NetworkRates, factor: number): NetworkRates {
  const { narrow, wide, spare } = networks;
  const times = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * factor, burst: burst * factor });
  return { peer, light, narrow: times(narrow), wide: times(wide), spare: times(spare) };
}
