/** How much one peer may be sent through `/signal`: by one sender, by its networks, and how many offers among that. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Networks } from '../sockets/address.ts';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import { NetworkRate, type NetworkRates } from '../sockets/network-rate.ts';

/** Counted as in `signal-guard.ts`: a message costs one, a large one more. A connection takes about a dozen. */
const MESSAGES: NetworkRates = {
  peer: { perSecond: 50, burst: 400 },
  narrow: { perSecond: 200, burst: 2_000 },
  wide: { perSecond: 400, burst: 4_000 },
  spare: { perSecond: 50, burst: 400 },
  light: 40,
};
/** Each makes its receiver open a connection and look for ways through its router, whoever sent it. */
const OFFERS: NetworkRates = {
  peer: { perSecond: 1, burst: 8 },
  narrow: { perSecond: 10, burst: 60 },
  wide: { perSecond: 20, burst: 120 },
  spare: { perSecond: 5, burst: 20 },
  light: 2,
};
const OFFERS_OF_ALL = { perSecond: 50, burst: 200 };

export interface Sender {
  readonly peer: PeerId;
  readonly from: Networks;
}

export class SignalTraffic {
  readonly #messages: NetworkRate;
  readonly #offers: NetworkRate;
  readonly #offersOfAll: AddressBuckets;

  constructor(clock: Clock) {
    this.#messages = new NetworkRate(clock, MESSAGES);
    this.#offers = new NetworkRate(clock, OFFERS);
    this.#offersOfAll = new AddressBuckets(clock, OFFERS_OF_ALL);
  }

  admits({ peer, from }: Sender, to: PeerId, isOffer: boolean, cost: number): boolean {
    if (!this.#messages.take(peer, from, to, cost)) return false;
    return !isOffer || (this.#offers.take(peer, from, to) && this.#offersOfAll.take(to));
  }
}
