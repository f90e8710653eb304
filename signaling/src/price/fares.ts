/** What a match costs, whether its requester can pay that, and the credits that are put aside for it. */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { inCredits, type Micro } from '@llmesh/core/ledger/credit';
import { HELD_AFTER_LEASE_S } from '@llmesh/core/ledger/rules/hold';
import { costOf, PLAIN, taskPrice } from '@llmesh/core/policy/price';
import type { ToServer } from '@llmesh/core/wire/control-protocol';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { LeaseDraft } from '../receipts/lease-office.ts';
import type { OfferIdentity, PriceList } from './price-list.ts';

type Match = Extract<ToServer, { type: 'match' }>;

export interface Fare {
  /** Micro-credits for 1,000 units: never more than the requester was told. */
  readonly price: number;
  /** The most that the answer costs. */
  readonly most: Micro;
}

export class Fares {
  readonly #ledger: Pick<LedgerPort, 'mode' | 'spendable' | 'reserve'>;
  readonly #prices: Pick<PriceList, 'of' | 'lowest'>;
  /** What is being put aside, which the ledger does not count yet. */
  readonly #underWay = new Map<PeerId, Micro>();

  constructor(ledger: Pick<LedgerPort, 'mode' | 'spendable' | 'reserve'>, prices: Pick<PriceList, 'of' | 'lowest'>) {
    this.#ledger = ledger;
    this.#prices = prices;
  }

  get areRequired(): boolean {
    return this.#ledger.mode === 'required';
  }

  /**
   * What this match costs its requester, as things are now; null: nothing, as it has no credits to spend on it. `offer`:
   * what it is about. Throws price_changed when that is more than it was told, and credits_short where it has to pay and
   * cannot.
   */
  of(
    requester: PeerId,
    { complexity = PLAIN, maxUnits, maxPrice = Infinity }: Match,
    offer: OfferIdentity,
  ): Fare | null {
    const now = taskPrice(this.#prices.of(offer).price, complexity);
    const price = Math.min(now, maxPrice);
    const fare = { price, most: costOf(maxUnits, price) };
    const isCovered = this.covers(requester, fare);
    // What was shown a while ago holds; what never was does not.
    const hasRisen = price < now && price < taskPrice(this.#prices.lowest(offer), complexity);
    if (hasRisen && (isCovered || this.areRequired)) throw risen(now);
    if (!isCovered && this.areRequired) throw this.short(requester, fare);
    return hasRisen ? null : fare;
  }

  /** Are there credits for it now? */
  covers(requester: PeerId, { most }: Fare): boolean {
    return this.#left(requester) >= most;
  }

  /** Why it is refused where credits are required. */
  short(requester: PeerId, { price, most }: Fare): MeshError {
    const left = Math.max(0, this.#left(requester));
    const cost = `This answer costs up to ${inCredits(most)} credits (${inCredits(price)} for 1,000 units)`;
    const has = `and you have ${inCredits(left)} to spend: ${inCredits(Math.max(0, most - left))} are missing.`;
    return new MeshError('credits_short', `${cost}, ${has} Ask for a shorter answer, or lend a model to earn some.`);
  }

  /** Puts the credits for it aside; false: there are too few by now. Rejects with busy. Durable when it resolves. */
  async hold(requester: PeerId, { most }: Fare, { seed, expiresAt }: LeaseDraft): Promise<boolean> {
    this.#change(requester, most);
    try {
      return await this.#ledger.reserve(seed, requester, most, expiresAt + HELD_AFTER_LEASE_S);
    } finally {
      this.#change(requester, -most);
    }
  }

  #left(requester: PeerId): Micro {
    return this.#ledger.spendable(requester) - (this.#underWay.get(requester) ?? 0);
  }

  #change(requester: PeerId, by: Micro): void {
    const sum = (this.#underWay.get(requester) ?? 0) + by;
    if (sum === 0) this.#underWay.delete(requester);
    else this.#underWay.set(requester, sum);
  }
}

function risen(price: number): MeshError {
  return new MeshError(
    'price_changed',
    `The price has risen to ${inCredits(price)} credits for 1,000 units since it was shown. Ask again to accept it.`,
  );
}
