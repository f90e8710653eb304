/** How much may be filed from one network: identities are free, addresses are not. */
import type { Clock } from '@llmesh/core/base/clock';
import { AddressBuckets } from '../sockets/address-buckets.ts';

/**
 * What is read at all. A peer files ten a second at most; after an outage a school files all at once, and anything over
 * the limit is filed again automatically.
 */
const READ = { perSecond: 100, burst: 300 };
const READ_WIDER = { perSecond: 300, burst: 1_000 };
/** New filings, which take disk space: ten answers a second around the clock, and some hours' worth after an outage. */
const KEPT = { perSecond: 10, burst: 3_000 };
const KEPT_WIDER = { perSecond: 30, burst: 6_000 };

/** Where a filing comes from. */
export interface From {
  readonly network: string;
  /** As `widerNetworkOf` names it. */
  readonly wider: string;
}

export class FilingShares {
  readonly #read: readonly [AddressBuckets, AddressBuckets];
  readonly #kept: readonly [AddressBuckets, AddressBuckets];

  constructor(clock: Clock) {
    this.#read = [new AddressBuckets(clock, READ), new AddressBuckets(clock, READ_WIDER)];
    this.#kept = [new AddressBuckets(clock, KEPT), new AddressBuckets(clock, KEPT_WIDER)];
  }

  /** May one more filing from there be read? */
  mayRead(from: From): boolean {
    return take(this.#read, from);
  }

  /** May one more filing from there be checked and kept? */
  mayKeep(from: From): boolean {
    return take(this.#kept, from);
  }
}

function take([narrow, wide]: readonly [AddressBuckets, AddressBuckets], { network, wider }: From): boolean {
  return narrow.take(network) && wide.take(wider);
}
