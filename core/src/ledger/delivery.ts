/** What the ledger remembers of a delivery, as long as its proofs may come: so none is ever paid twice. */
import type { PeerId } from '../base/ids.ts';
import type { Micro } from './credit.ts';
import { dayOf, deliveryKey, FILED_WITHIN_DAYS } from './keys.ts';
import type { StateValue } from './state.ts';

export interface KnownDelivery {
  /** The event of its last proof. */
  readonly index: number;
  readonly requester: PeerId;
  readonly provider: PeerId;
  readonly units: number;
  /** A receipt was filed, so no other proof of it counts. */
  readonly complete: boolean;
  /** By the requester, out of anything. */
  readonly paid: Micro;
  /** Of that. */
  readonly toProvider: Micro;
  /** From emission, besides. */
  readonly reward: Micro;
  /** Of `toProvider` and of `reward`: taken back by a `reverse`. */
  readonly taken: Micro;
  readonly takenReward: Micro;
}

type Row = readonly [number, PeerId, PeerId, number, boolean, Micro, Micro, Micro, Micro, Micro];

export function rowOf(known: KnownDelivery): StateValue {
  const { index, requester, provider, units, complete, paid, toProvider, reward, taken, takenReward } = known;
  return [index, requester, provider, units, complete, paid, toProvider, reward, taken, takenReward];
}

export function deliveryIn(value: StateValue | undefined): KnownDelivery | null {
  if (value === undefined) return null;
  // Only `rowOf` writes under these keys.
  const [index, requester, provider, units, complete, paid, toProvider, reward, taken, takenReward] = value as Row;
  return { index, requester, provider, units, complete, paid, toProvider, reward, taken, takenReward };
}

/** The delivery under the lease with this nonce, in base32, and its day; null: no proof of it was filed, or too long ago. */
export function findDelivery(
  state: { get(key: string): StateValue | undefined },
  nonce: string,
  ms: number,
): { known: KnownDelivery; day: number } | null {
  // A lease may end tomorrow. Those that one asks about are mostly new, so we begin there.
  for (let day = dayOf(ms) + 1; day >= dayOf(ms) - FILED_WITHIN_DAYS - 1; day--) {
    const known = deliveryIn(state.get(deliveryKey(day, nonce)));
    if (known !== null) return { known, day };
  }
  return null;
}
