/** What an answer costs: before it is asked for, and after, as far as this computer has signed for it. */
import type { ModelId, PeerId, TaskName } from '../base/ids.ts';
import { costOf, taskPrice } from '../policy/price.ts';
import { taskOf, type Offer } from '../wire/model-advert.ts';

/** What will be paid at most. */
export interface Quote {
  /** Micro-credits for 1,000 units. 0: it is free. */
  readonly price: number;
  /** What the most units cost. */
  readonly most: number;
}

/** What one provider has delivered. */
export interface Charge {
  readonly provider: PeerId;
  /** The nonce of its lease in base32: `/api/receipt?lease=`. */
  readonly leaseId: string;
  /** Micro-credits for 1,000 units, as agreed; 0: nothing is held for it, and it is free. */
  readonly price: number;
  readonly units: number;
}

/** A charge, and what it is paid from. */
export interface Owed extends Charge {
  /** The seed of the leases, in base32. */
  readonly hold: string;
  /** All that is held there. */
  readonly held: number;
}

export interface Bill {
  readonly units: number;
  /** Of the last charge. */
  readonly price: number;
  /** In micro-credits: never more than the quotes of its leases. Less, where a provider does not file what is owed to it. */
  readonly cost: number;
  /** Several, where providers handed it on. */
  readonly charges: readonly Charge[];
}

/** `offers`: what the mesh says that it offers. Null: it does not say that it offers this, so nothing was shown. */
export function quoteFor(
  offers: readonly Offer[],
  asked: { task: TaskName; model: ModelId; sha256?: string | null | undefined; complexity: number; maxUnits: number },
): Quote | null {
  const { task, model, sha256, complexity, maxUnits } = asked;
  const offer = offers.find(
    (one) =>
      one.id === model &&
      taskOf(one) === task &&
      (sha256 === undefined ? one.alternative !== true : (one.sha256 ?? null) === sha256),
  );
  if (offer === undefined) return null;
  const price = taskPrice(offer.price ?? 0, complexity);
  return { price, most: costOf(maxUnits, price) };
}

export function billOf(owed: readonly Owed[]): Bill {
  const ofHold = new Map<string, { cost: number; held: number }>();
  for (const { hold, held, units, price } of owed) {
    const before = ofHold.get(hold)?.cost ?? 0;
    ofHold.set(hold, { cost: before + costOf(units, price), held });
  }
  let cost = 0;
  for (const one of ofHold.values()) cost += Math.min(one.cost, one.held);
  const units = owed.reduce((sum, one) => sum + one.units, 0);
  const charges = owed.map(({ provider, leaseId, price, units: own }) => ({ provider, leaseId, price, units: own }));
  return { units, price: owed.at(-1)?.price ?? 0, cost, charges };
}
